// Evaluates JSONata on behalf of ExpressionSandbox: a process of its own, which nothing but its parent talks to. It must
// not import anything of ours, so that it starts fast and runs from source as well as compiled.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createContext, Script } from 'node:vm';
import type { Context } from 'node:vm';
import type { ExpressionAnswer, ExpressionJob } from './expression-job.js';

/** A realm without a clock, without chance and without anything of Node. Only text goes in and comes out. */
const REALM = `'use strict';
(function (load, toBase64, fromBase64) {
  const RealDate = Date;
  globalThis.Date = class Date extends RealDate {
    constructor(...given) { super(...(given.length === 0 ? [0] : given)); }
    static now() { return 0; }
  };
  Math.random = () => { throw new Error('not available'); };
  globalThis.window = { btoa: (text) => String(toBase64(String(text))), atob: (text) => String(fromBase64(String(text))) };
  const module = { exports: {} };
  load(module, module.exports);
  const jsonata = module.exports;

  const REFUSED = ['now', 'millis', 'random', 'shuffle', 'eval'];
  const MAX_DEPTH = 500;
  const MAX_SEQUENCE = 100000;
  const MAX_PADDED = 1048576;
  class WithHeaders { constructor(body, headers) { this.body = body; this.headers = headers; } }

  const refusedIn = (node) => {
    if (node === null || typeof node !== 'object') return null;
    if (node.type === 'variable' && REFUSED.includes(node.value)) return node;
    for (const member of Object.values(node)) {
      const found = refusedIn(member);
      if (found !== null) return found;
    }
    return null;
  };
  const refuse = (name, position) => {
    throw { message: '$' + name + ' is not available: the same event must give the same body each time', position };
  };
  const pad = (text, width, filler = ' ') => {
    if (text === undefined) return undefined;
    if (Math.abs(width) > MAX_PADDED) throw { message: '$pad: expected a width of at most ' + MAX_PADDED };
    return width < 0 ? text.padStart(-width, filler || ' ') : text.padEnd(width, filler || ' ');
  };
  const compile = (code) => {
    const expression = jsonata(code, { stack: MAX_DEPTH, sequence: MAX_SEQUENCE });
    const refused = refusedIn(expression.ast());
    if (refused !== null) refuse(refused.value, refused.position);
    for (const name of REFUSED) expression.registerFunction(name, () => refuse(name));
    expression.registerFunction('pad', pad, '<s-ns?:s>');
    expression.registerFunction('withHeaders', (body, headers) => new WithHeaders(body, headers));
    return expression;
  };
  const faultOf = (error) => JSON.stringify({
    fault: {
      message: String((error && error.message) || error).slice(0, 300),
      position: error && Number.isInteger(error.position) ? error.position : null,
    },
  });

  let known = null;
  return async (code, input, bindings) => {
    try {
      known = known ?? compile(code);
      if (input === null) return JSON.stringify({});
      const result = await known.evaluate(JSON.parse(input), JSON.parse(bindings));
      const carried = result instanceof WithHeaders ? result : { body: result, headers: {} };
      const body = JSON.stringify(carried.body);
      if (body === undefined) throw { message: 'the expression gave no result' };
      return JSON.stringify({ body, headers: carried.headers });
    } catch (error) {
      return faultOf(error);
    }
  };
})`;

/** Expressions in use, each in a realm of its own: what one does to its realm no other sees. */
const MAX_REALMS = 16;

type Evaluate = (code: string, input: string | null, bindings: string) => Promise<string>;

const source = readFileSync(createRequire(import.meta.url).resolve('jsonata'), 'utf8');
const library = new Script(`(function (module, exports) {${source}\n})`, { filename: 'jsonata.js' });
const realm = new Script(REALM, { filename: 'expression-realm.js' });
const realms = new Map<string, Evaluate>();

process.on('message', (job: ExpressionJob) => void answer(job));
process.on('disconnect', () => process.exit(0));
process.send!({ ready: true });

async function answer({ id, code, input, bindings, maxBytes }: ExpressionJob): Promise<void> {
  const text = await evaluatorOf(code)(code, input, bindings);
  const isTooLong = text.length > 2 * maxBytes + 16_384;
  process.send!({ id, ...(isTooLong ? TOO_LONG : (JSON.parse(text) as ExpressionAnswer)) });
}

const TOO_LONG = { fault: { message: 'the result is too long', position: null } };

function evaluatorOf(code: string): Evaluate {
  const known = realms.get(code);
  if (known !== undefined) return known;
  if (realms.size >= MAX_REALMS) realms.delete(realms.keys().next().value!);
  const context = createContext(Object.create(null) as Context, {
    codeGeneration: { strings: false, wasm: false },
  });
  const toBase64 = (text: string) => Buffer.from(text, 'latin1').toString('base64');
  const fromBase64 = (text: string) => Buffer.from(text, 'base64').toString('latin1');
  const load: unknown = library.runInContext(context);
  const evaluate = (realm.runInContext(context) as (...given: unknown[]) => Evaluate)(
    load,
    toBase64,
    fromBase64,
  );
  realms.set(code, evaluate);
  return evaluate;
}
