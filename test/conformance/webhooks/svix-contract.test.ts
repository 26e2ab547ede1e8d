import { Svix } from 'svix';
import { svixContract } from './svix-scenario.js';

svixContract('svix 2', { client: (key, serverUrl) => new Svix(key, { serverUrl }), operations: 67 });
