import type { OperatorTable } from './compiler.js';
export const ARRAYS: OperatorTable = {};
