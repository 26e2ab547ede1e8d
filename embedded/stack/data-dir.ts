import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Layout of the data directory that this version writes. */
const FORMAT = 1;

/** Where everything of one stack stands. */
export class DataDir {
  readonly root: string;

  /** Makes the folders. Refuses a directory of something else, and one that a newer version has written. */
  constructor(root: string) {
    this.root = resolve(root);
    const format = join(this.root, 'format');
    const entries = existsSync(this.root) ? readdirSync(this.root) : [];
    if (entries.length > 0 && !existsSync(format))
      throw new Error(
        `${this.root}: expected an empty or a Holdfast data directory, found ${entries[0]} in it`,
      );
    if (existsSync(format)) checkFormat(this.root, readFileSync(format, 'utf8').trim());
    for (const folder of ['', 'mongodb', 'temporal', 'logs', 'run'])
      mkdirSync(join(this.root, folder), { recursive: true, mode: 0o700 });
    writeFileSync(format, `${FORMAT}\n`);
  }

  get mongodb(): string {
    return join(this.root, 'mongodb');
  }

  get temporalDatabase(): string {
    return join(this.root, 'temporal', 'temporal.db');
  }

  get secrets(): string {
    return join(this.root, 'secrets.json');
  }

  get lock(): string {
    return join(this.root, 'run', 'lock');
  }

  get stackFile(): string {
    return join(this.root, 'run', 'stack.json');
  }

  get run(): string {
    return join(this.root, 'run');
  }

  log(service: string): string {
    return join(this.root, 'logs', `${service}.log`);
  }
}

function checkFormat(root: string, text: string): void {
  const found = Number(text);
  if (!Number.isInteger(found) || found < 1)
    throw new Error(`${root}/format: expected a whole number, got '${text}'`);
  if (found > FORMAT)
    throw new Error(
      `${root} was written by a newer Holdfast (format ${found}, this one knows ${FORMAT}): use that version, or set HOLDFAST_DATA_DIR to another directory`,
    );
}
