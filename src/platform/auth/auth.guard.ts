import { createParamDecorator, SetMetadata } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import type { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { ProblemError } from '../errors.js';
import type { Authenticator } from './authenticator.js';
import type { Principal, Scope } from './scopes.js';

const ACCESS = 'holdfast:access';
const ALL_APPLICATIONS = 'holdfast:all-applications';

/** The scope a caller needs for a route. */
export const Requires = (scope: Scope) => SetMetadata(ACCESS, scope);
/** A route that needs no key: health, metrics, documentation. */
export const Public = () => SetMetadata(ACCESS, 'public');

/** A route that a key bound to one application may not call, whatever its scopes. */
export const AllApplications = () => SetMetadata(ALL_APPLICATIONS, true);

const principals = new WeakMap<FastifyRequest, Principal>();

export const principalOf = (request: FastifyRequest): Principal | undefined => principals.get(request);

/** The caller of a route that is not public. */
export const Caller = createParamDecorator((_: unknown, context: ExecutionContext): Principal => {
  const principal = principals.get(context.switchToHttp().getRequest<FastifyRequest>());
  if (principal === undefined) throw new Error('@Caller stands on a public route');
  return principal;
});

/** Lets a request through when its key has the route's scope. A route that names no scope lets nobody through. */
export class AuthGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly authenticator: Authenticator,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const access = this.reflector.getAllAndOverride<Scope | 'public' | undefined>(ACCESS, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (access === 'public') return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const principal = await this.authenticator.authenticate(request.headers.authorization);
    if (access === undefined || !principal.scopes.has(access)) {
      throw new ProblemError('insufficient_access', `This needs the scope ${access ?? '(none is enough)'}.`);
    }
    const places = [context.getHandler(), context.getClass()];
    if (
      principal.app !== null &&
      this.reflector.getAllAndOverride<boolean | undefined>(ALL_APPLICATIONS, places)
    ) {
      throw new ProblemError(
        'insufficient_access',
        'A key that is bound to one application may not do this.',
      );
    }
    principals.set(request, principal);
    return true;
  }
}
