import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

// Its own process, so that receiving does not slow down the load generator. Talks to its parent by messages:
// sends {port}; answers 'report' with the arrivals so far as [id, wall-clock milliseconds] pairs. What comes to /hang is not
// an arrival and gets no answer for 30 s.

const HANG_MS = 30_000;

const arrivals: [string, number][] = [];

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  request.resume();
  if (request.url === '/hang') {
    setTimeout(() => response.writeHead(204).end(), HANG_MS);
    return;
  }
  arrivals.push([String(request.headers['webhook-id']), performance.timeOrigin + performance.now()]);
  request.on('end', () => response.writeHead(204).end());
});

server.listen(0, '127.0.0.1', () => {
  process.send?.({ port: (server.address() as AddressInfo).port });
});

process.on('message', (message) => {
  if (message === 'count') process.send?.({ count: arrivals.length });
  if (message === 'report') process.send?.({ arrivals: arrivals.splice(0) });
});
process.on('disconnect', () => process.exit(0));
