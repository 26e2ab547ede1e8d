/** Tells that a row has something in its outbox. A missed ring costs one round of the sweeper. */
export class OutboxBell {
  #heard: () => void = () => undefined;

  ring(): void {
    this.#heard();
  }

  onRing(heard: () => void): void {
    this.#heard = heard;
  }
}
