import { StandardSchemaValidationPipe } from '@nestjs/common';
import { bodyFault, ProblemError } from '../errors.js';
import type { Fault } from '../errors.js';

interface Issue {
  message: string;
  path?: readonly (PropertyKey | { key: PropertyKey })[] | undefined;
  code?: string;
}

/** Checks `@Body({schema})`, `@Query({schema})` and `@Param({schema})`; a 422 lists all faults with their place. */
export class ValidationPipe extends StandardSchemaValidationPipe {
  constructor() {
    super({ exceptionFactory: (issues) => validationProblem(issues as Issue[]) });
  }
}

/** @param where the part of the request the issues are about */
export function validationProblem(issues: readonly Issue[], where = 'body'): ProblemError {
  const errors = issues.map((issue): Fault => {
    const path = (issue.path ?? []).map(
      (step) => (typeof step === 'object' ? step.key : step) as string | number,
    );
    const fault = bodyFault(path, issue.message, issue.code ?? 'value_error');
    return where === 'body' ? fault : { loc: [where, ...path.map(String)], msg: fault.msg, type: fault.type };
  });
  const detail = errors
    .map((fault) => `${fault.loc.slice(1).join('.') || fault.loc[0]}: ${fault.msg}`)
    .join('; ');
  return new ProblemError('validation', detail, { errors });
}
