import { StandardSchemaValidationPipe } from '@nestjs/common';
import type { ArgumentMetadata, PipeTransform } from '@nestjs/common';
import { bodyFault, ProblemError } from '../errors.js';
import type { Fault } from '../errors.js';

type Place = 'body' | 'query' | 'path';

interface Issue {
  message: string;
  path?: readonly (PropertyKey | { key: PropertyKey })[] | undefined;
  code?: string | undefined;
}

const pipeFor = (place: Place) =>
  new StandardSchemaValidationPipe({
    exceptionFactory: (issues) => validationProblem(issues as Issue[], place),
  });

/** Checks `@Body({schema})`, `@Query({schema})` and `@Param({schema})`; a 422 lists all faults with their place. */
export class ValidationPipe implements PipeTransform {
  readonly #pipes = { body: pipeFor('body'), query: pipeFor('query'), param: pipeFor('path') };

  transform(value: unknown, metadata: ArgumentMetadata): unknown {
    const { type } = metadata;
    return type === 'body' || type === 'query' || type === 'param'
      ? this.#pipes[type].transform(value, metadata)
      : value;
  }
}

/** A 422 that lists every fault with its place. */
export function validationProblem(issues: readonly Issue[], place: Place): ProblemError {
  const errors = issues.map((issue): Fault => {
    const path = (issue.path ?? []).map(
      (step) => (typeof step === 'object' ? step.key : step) as string | number,
    );
    const fault = bodyFault(path, issue.message, issue.code ?? 'value_error');
    return place === 'body' ? fault : { loc: [place, ...path.map(String)], msg: fault.msg, type: fault.type };
  });
  const detail = errors.map((fault) => `${fault.loc.slice(1).join('.') || place}: ${fault.msg}`).join('; ');
  return new ProblemError('validation', detail, { errors });
}
