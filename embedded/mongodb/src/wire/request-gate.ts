/** Bytes of complete requests that may wait or run, over all connections. */
const MAX_BYTES = 256 * 1024 * 1024;

/** Holds back reading from sockets while too many requests are in memory. */
export class RequestGate {
  private bytes = 0;
  private readonly held = new Set<() => void>();

  constructor(private readonly maxBytes = MAX_BYTES) {}

  get full(): boolean {
    return this.bytes > this.maxBytes;
  }

  enter(bytes: number): void {
    this.bytes += bytes;
  }

  /** Lets everybody read again once half of the room is free. */
  leave(bytes: number): void {
    this.bytes -= bytes;
    if (this.held.size === 0 || this.bytes > this.maxBytes / 2) return;
    const resumed = [...this.held];
    this.held.clear();
    for (const resume of resumed) resume();
  }

  /** Calls back when there is room. */
  hold(resume: () => void): void {
    this.held.add(resume);
  }
}
