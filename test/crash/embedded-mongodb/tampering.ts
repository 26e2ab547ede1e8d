import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { EmbeddedProcess } from '../../integration/embedded-mongodb/embedded-process.js';
import type { Kind } from './judge.js';
import type { Doc } from './ledger.js';
import type { WriteLoad } from './write-load.js';

/** Harm done by hand, which the judge must see: a judge that never objects proves nothing. */
export interface Tampering {
  name: string;
  /** What the judge must report, at least. */
  seenAs: readonly Kind[];
  harm(load: WriteLoad, server: EmbeddedProcess): Promise<void>;
}

export const TAMPERINGS: readonly Tampering[] = [
  {
    name: 'an acknowledged document is deleted',
    seenAs: ['lost'],
    async harm(load) {
      await load.documents.deleteOne({ _id: acknowledged(load)._id });
    },
  },
  {
    name: 'an increment is done twice',
    seenAs: ['twice'],
    async harm({ counters, outcomes }) {
      const n = 1 + (outcomes.increments[0]?.open ?? 0);
      await counters.updateOne({ _id: 'counter0' }, { $inc: { n } });
    },
  },
  {
    name: 'an index entry is removed from the file',
    seenAs: ['index', 'validate'],
    harm: (load, server) =>
      whileStopped(server, (file) => {
        const { cid, rid } = recordOf(file, load, acknowledged(load));
        const index = file.prepare('SELECT iid FROM idx WHERE cid=? AND name=?').get(cid, 'u_1');
        file.prepare(`DELETE FROM i_${Number(index?.['iid'])} WHERE rid=?`).run(rid);
      }),
  },
  {
    name: 'a byte of a stored document is flipped in the file',
    seenAs: ['wrong', 'validate'],
    async harm(load, server) {
      let stored = Buffer.alloc(0);
      await whileStopped(server, (file) => {
        const { cid, rid } = recordOf(file, load, acknowledged(load));
        const row = file.prepare(`SELECT doc FROM c_${cid} WHERE rid=?`).get(rid);
        stored = Buffer.from(row?.['doc'] as Uint8Array);
      });
      await server.terminate();
      flipEverywhere(join(server.directory, 'data.sqlite'), stored);
      await server.restart();
    },
  },
  {
    name: 'an entry of the oplog is removed from the file',
    seenAs: ['oplog'],
    harm: (load, server) =>
      whileStopped(server, (file) => {
        const entry = file
          .prepare("SELECT ts FROM oplog WHERE ns=? AND op='i' LIMIT 1")
          .get(load.documents.namespace);
        file.prepare('DELETE FROM oplog WHERE ts=?').run(entry?.['ts'] as number);
      }),
  },
];

/** A document about which there is no doubt. */
function acknowledged({ ledger }: WriteLoad): Doc {
  for (const id of ledger.states.keys()) {
    const state = ledger.known(id);
    if (state && state.pad.length > 50) return state;
  }
  throw new Error('expected a document that was acknowledged, there is none: write longer before the kill');
}

async function whileStopped(server: EmbeddedProcess, change: (file: DatabaseSync) => void): Promise<void> {
  await server.terminate();
  const file = new DatabaseSync(join(server.directory, 'data.sqlite'));
  change(file);
  file.close();
  await server.restart();
}

function recordOf(file: DatabaseSync, { documents }: WriteLoad, doc: Doc): { cid: number; rid: number } {
  const cid = Number(file.prepare('SELECT cid FROM coll WHERE ns=?').get(documents.namespace)?.['cid']);
  const rows = file.prepare(`SELECT rid, doc FROM c_${cid}`).all();
  const row = rows.find((one) => Buffer.from(one['doc'] as Uint8Array).includes(`\0${doc._id}\0`));
  return { cid, rid: Number(row?.['rid']) };
}

/** One bit in the last text of the document, wherever the file holds those bytes. */
function flipEverywhere(path: string, stored: Buffer): void {
  const bytes = readFileSync(path);
  let flips = 0;
  for (let at = bytes.indexOf(stored); at >= 0; at = bytes.indexOf(stored, at + 1)) {
    bytes[at + stored.length - 10]! ^= 1;
    flips += 1;
  }
  if (flips === 0) throw new Error('expected the stored document in the file, it is not there');
  writeFileSync(path, bytes);
}
