/** What a step found when it only looked. */
export type Inspection = { usable: true; what: string } | { usable: false; why: string };

/** One way of getting a server. */
export interface ResolutionStep<T> {
  readonly name: string;
  /** Looks, and changes nothing: `doctor` prints what it says. */
  inspect(): Promise<Inspection>;
  /** Does what is needed (download, build). Called only after `inspect` found it usable. */
  obtain(): Promise<T>;
}

/** One line of the story of a resolution: which step, and why it was taken or passed over. */
export interface Passed {
  step: string;
  why: string;
}

export interface Resolved<T> {
  step: string;
  what: string;
  value: T;
  passed: Passed[];
}

/** No step could give the server. The message names every step with its reason. */
export class UnresolvedError extends Error {
  override name = 'UnresolvedError';
}

/**
 * Takes the first step that is usable and works. With `forced` only that step is tried, so that a person who
 * asked for one way never silently gets another.
 */
export async function resolveFirst<T>(
  subject: string,
  steps: readonly ResolutionStep<T>[],
  forced: string | undefined,
  advice: string,
): Promise<Resolved<T>> {
  const candidates = forced === undefined ? steps : steps.filter((step) => step.name === forced);
  if (candidates.length === 0) {
    const names = steps.map((step) => step.name).join(', ');
    throw new UnresolvedError(`${subject}: expected one of ${names}, got '${forced}'`);
  }
  const passed: Passed[] = [];
  for (const step of candidates) {
    const inspection = await step.inspect();
    if (!inspection.usable) {
      passed.push({ step: step.name, why: inspection.why });
      continue;
    }
    try {
      return { step: step.name, what: inspection.what, value: await step.obtain(), passed };
    } catch (error) {
      passed.push({ step: step.name, why: error instanceof Error ? error.message : String(error) });
    }
  }
  const story = passed.map(({ step, why }) => `  ${step}: ${why}`).join('\n');
  const only = forced === undefined ? '' : ` (only '${forced}' is allowed)`;
  throw new UnresolvedError(`${subject} could not be found${only}:\n${story}\n${advice}`);
}
