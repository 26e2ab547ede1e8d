import type { FastifyInstance } from 'fastify';

/** The routes of a server, to tell a wrong method (405) from a wrong path (404). Create it before any route. */
export class RouteTable {
  readonly #routes = new Map<string, { pattern: RegExp; methods: Set<string> }>();

  constructor(fastify: FastifyInstance) {
    fastify.addHook('onRoute', ({ url, method }) => {
      const route = this.#routes.get(url) ?? { pattern: patternOf(url), methods: new Set<string>() };
      for (const name of [method].flat()) route.methods.add(name);
      this.#routes.set(url, route);
    });
  }

  /**
   * Methods that the path takes, in alphabetical order; none when there is no such path. Where a path is named and also
   * fits a parameter (`msg/search`, `msg/:id`), it is the named one.
   */
  methodsFor(path: string): string[] {
    const fitting = [...this.#routes].filter(([, { pattern }]) => pattern.test(path));
    const fewest = Math.min(...fitting.map(([url]) => parametersIn(url)));
    const closest = fitting.filter(([url]) => parametersIn(url) === fewest);
    return [...new Set(closest.flatMap(([, { methods }]) => [...methods]))].sort();
  }
}

const parametersIn = (url: string): number => url.split(/[:*]/).length - 1;

const patternOf = (url: string) =>
  new RegExp(
    `^${url
      .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
      .replace(/:\w+/g, '[^/]+')
      .replaceAll('*', '.*')}/?$`,
  );
