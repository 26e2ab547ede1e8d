import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { DatabaseSync } from 'node:sqlite';

const SQLITE_BUSY = 5;

export interface Lock {
  release(): void;
}

/**
 * Takes the lock, or returns undefined if a living process holds it. The lock is SQLite's exclusive lock on the
 * file, which the operating system frees when the holder dies: after kill -9 nothing is left to clean up.
 */
export function tryLock(file: string): Lock | undefined {
  const database = new DatabaseSync(file);
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return undefined;
    throw error;
  }
  writeFileSync(holderFile(file), String(process.pid));
  return {
    release() {
      rmSync(holderFile(file), { force: true });
      database.close();
    },
  };
}

/** Waits for the lock; `onWait` is told once, with the pid of the holder, if it is not free. */
export async function waitForLock(file: string, onWait: (holder: string) => void): Promise<Lock> {
  for (let told = false; ; await delay(500)) {
    const lock = tryLock(file);
    if (lock) return lock;
    if (!told) onWait(lockHolder(file));
    told = true;
  }
}

/** Pid of the process that holds the lock, as text for a message. */
export function lockHolder(file: string): string {
  try {
    return readFileSync(holderFile(file), 'utf8');
  } catch {
    return 'unknown';
  }
}

const holderFile = (file: string) => `${file}.pid`;
