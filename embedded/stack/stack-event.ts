/** What a stack tells while it starts, runs and stops. */
export type StackEvent =
  | { type: 'note'; text: string }
  | { type: 'starting'; service: string }
  | { type: 'ready'; service: string; what: string; ms: number }
  | { type: 'crashed'; service: string; exit: string; waitMs: number }
  | { type: 'stopping'; service: string }
  | { type: 'stopped'; service: string; ms: number; killed: boolean };

export type Report = (event: StackEvent) => void;
