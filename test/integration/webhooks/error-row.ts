import type { ErrorCode } from '../../../src/platform/errors.js';
import type { Answer } from '../../support/api-caller.js';
import type { ErrorScene, Problem } from './error-scene.js';

/** A bad request and the answer it must get. */
export interface ErrorRow {
  bad: string;
  send: (scene: ErrorScene) => Promise<Answer<Problem>>;
  code: ErrorCode;
  /** The member that is named. */
  pointer?: string;
  /** A parameter of the query that is named. */
  query?: string;
  /** A response header that must be there. */
  header?: string;
  /** What the text must say. */
  says?: RegExp;
  /** Where the answer names what is there already. */
  names?: 'existing';
}
