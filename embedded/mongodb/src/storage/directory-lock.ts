import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/**
 * Holds a data directory for this process: an exclusive SQLite lock that the operating system frees when the
 * process ends in whatever way, so there are no stale lock files.
 */
export class DirectoryLock {
  private readonly sqlite: DatabaseSync;

  /** Throws if another process holds the directory. */
  constructor(directory: string) {
    mkdirSync(directory, { recursive: true });
    this.sqlite = new DatabaseSync(join(directory, 'lock.sqlite'), { timeout: 0 });
    try {
      this.sqlite.exec('BEGIN EXCLUSIVE');
    } catch (cause) {
      this.sqlite.close();
      throw new Error(`${directory} is in use by another server: stop that server or choose another --dir`, {
        cause,
      });
    }
  }

  release(): void {
    this.sqlite.close();
  }
}
