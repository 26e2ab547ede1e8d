import { ProblemError } from '../../platform/errors.js';
import { isDuplicateKey } from '../../store/duplicate-key.js';

/** For `.catch`: a uid that another resource has becomes a 409, everything else is thrown on. */
export const uidTaken =
  (what: string, uid: string | null | undefined) =>
  (error: unknown): never => {
    if (!isDuplicateKey(error)) throw error;
    throw new ProblemError('conflict', `There is ${what} with the uid "${uid}" already.`);
  };
