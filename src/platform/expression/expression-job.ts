/** One expression to check or to evaluate, as it goes to the process that does it. */
export interface ExpressionJob {
  id: number;
  code: string;
  /** JSON text; null only checks the expression. */
  input: string | null;
  /** JSON text of an object: `$name` in the expression. */
  bindings: string;
  maxBytes: number;
}

/** What is wrong with an expression, or with what it made of its input. */
export interface ExpressionFault {
  message: string;
  /** Characters from the start of the expression, where that is known. */
  position: number | null;
}

export type ExpressionAnswer =
  { fault: ExpressionFault } | { body?: string; headers?: Record<string, unknown>; fault?: undefined };
