import type { Document } from 'mongodb';
import type { Entities } from './entities.js';
import { expectMatch, show } from './matcher.js';
import { ObservedClient } from './observed-client.js';
import type { ObservedEvent } from './observed-client.js';
import type { ExpectedEvents } from './spec-file.js';

/** Throws where the events of a client are not, in this order, those that the test expects. */
export function expectEvents(expected: ExpectedEvents, entities: Entities): void {
  const { client, eventType = 'command', ignoreExtraEvents = false, events: wanted } = expected;
  const seen = entities.of(ObservedClient, client).events.filter(({ kind }) => kind === eventType);
  for (const [at, event] of wanted.entries()) expectEvent(event, seen[at], `${client} event ${at}`, entities);
  if (seen.length > wanted.length && !ignoreExtraEvents)
    throw new Error(
      `expected ${wanted.length} events of ${client}, got also ${seen.slice(wanted.length).map(title).join('; ')}`,
    );
}

function expectEvent(
  wanted: Document,
  seen: ObservedEvent | undefined,
  at: string,
  entities: Entities,
): void {
  const [name, fields] = Object.entries(wanted)[0] as [string, Document];
  if (!seen) throw new Error(`expected ${at} to be ${name} ${show(fields)}, there is none`);
  if (seen.name !== name) throw new Error(`expected ${at} to be ${name}, got ${title(seen)}`);
  for (const [field, value] of Object.entries(fields))
    expectMatch(value, seen.fields[field], entities, `${at} ${name}.${field}`);
}

function title({ name, commandName, fields }: ObservedEvent): string {
  return commandName ? `${name} ${commandName} ${show(fields['command'] ?? {})}` : name;
}
