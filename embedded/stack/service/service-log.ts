import {
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readSync,
  renameSync,
  statSync,
  truncateSync,
} from 'node:fs';

/** Ten megabytes, five files: the running one and four older. */
const LIMIT_BYTES = 10_000_000;
const OLDER_FILES = 4;
const TAIL_BYTES = 65_536;

/**
 * The log file of a service. The process writes to it directly, not through the supervisor, so that it can go on
 * writing when the supervisor is gone, and its last words are never lost.
 */
export class ServiceLog {
  #from = 0;

  constructor(readonly file: string) {}

  /** A descriptor to give to a new process; `tail` starts here. The caller closes it. */
  open(): number {
    this.rotate();
    const descriptor = openSync(this.file, 'a', 0o600);
    this.#from = statSync(this.file).size;
    return descriptor;
  }

  /**
   * Moves what is over the limit to `.1` ... `.4`. The process keeps its descriptor (opened for appending), so the
   * file is copied and emptied; a line written between the two steps is lost.
   */
  rotate(limitBytes = LIMIT_BYTES): void {
    if (!existsSync(this.file) || statSync(this.file).size <= limitBytes) return;
    for (let n = OLDER_FILES - 1; n >= 1; n--)
      if (existsSync(`${this.file}.${n}`)) renameSync(`${this.file}.${n}`, `${this.file}.${n + 1}`);
    copyFileSync(this.file, `${this.file}.1`);
    truncateSync(this.file);
    this.#from = 0;
  }

  /** The last lines that the process wrote since it was started. */
  tail(lines = 30): string[] {
    if (!existsSync(this.file)) return [];
    const { size } = statSync(this.file);
    const start = Math.max(this.#from, size - TAIL_BYTES);
    const buffer = Buffer.alloc(Math.max(0, size - start));
    const descriptor = openSync(this.file, 'r');
    try {
      readSync(descriptor, buffer, 0, buffer.length, start);
    } finally {
      closeSync(descriptor);
    }
    const text = buffer.toString('utf8').trimEnd();
    return text === '' ? [] : text.split('\n').slice(-lines);
  }
}
