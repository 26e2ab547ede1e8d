import type { Svix } from 'svix';
import { Svix as Svix1 } from 'svix-1';
import { svixContract } from './svix-scenario.js';

/** What the older SDK calls otherwise. */
const NAMES_BEFORE_2: Record<string, string> = { upsert: 'update', setHeaders: 'updateHeaders' };

/** The older client under the newer names: calls go to it as they are. */
const renamed = <T extends object>(client: T): T =>
  new Proxy(client, {
    get: (target, name) => {
      const member = target[(NAMES_BEFORE_2[String(name)] ?? name) as keyof T];
      if (typeof member === 'function') return member.bind(target) as unknown;
      return typeof member === 'object' && member !== null ? renamed(member) : member;
    },
  });

svixContract('svix 1.99', {
  client: (key, serverUrl) => renamed(new Svix1(key, { serverUrl })) as unknown as Svix,
  operations: 66,
});
