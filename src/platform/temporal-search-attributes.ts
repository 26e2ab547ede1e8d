import type { Connection } from '@temporalio/client';
import { SearchAttributeType } from '@temporalio/common';

/** What `defineSearchAttributeKey` gives. */
interface SearchAttributeKey {
  name: string;
  type: SearchAttributeType;
}

const INDEXED_VALUE_TYPES = { [SearchAttributeType.KEYWORD]: 2 } as Record<string, number>;

/**
 * Registers the search attributes that are missing.
 * @throws when they are missing and this client may not add them: the message says what to run instead
 */
export async function ensureSearchAttributes(
  connection: Connection,
  namespace: string,
  wanted: readonly SearchAttributeKey[],
): Promise<void> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const missing = wanted.filter(({ name }) => !(name in customAttributes));
  if (missing.length === 0) return;
  try {
    const searchAttributes = Object.fromEntries(
      missing.map(({ name, type }) => [name, INDEXED_VALUE_TYPES[type]!]),
    );
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
  } catch (error) {
    const commands = missing.map(
      ({ name }) =>
        `temporal operator search-attribute create --namespace ${namespace} --name ${name} --type Keyword`,
    );
    throw new Error(
      `the namespace "${namespace}" lacks search attributes and they could not be added; run:\n${commands.join('\n')}`,
      { cause: error },
    );
  }
}
