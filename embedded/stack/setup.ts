import { resolveTemporal } from '../temporal/temporal-steps.js';

/** `npm run setup`: packages and build are done by then; what is left is the Temporal program. */
const { step, what, value } = await resolveTemporal(process.env, (line) => console.error(line));
const version = value.kind === 'binary' ? `, Server ${value.version}` : '';
console.log(`Temporal: ${step} (${what}${version})`);
console.log('Ready: npm start');
