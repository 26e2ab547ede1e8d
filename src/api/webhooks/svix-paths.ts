// First segments of the compatible API (169 paths in the description of 2026-08), and what may follow an application.
const ROOTS =
  /^\/(ingest\/api\/v1\/source|api\/v1\/(auth|background-task|connector|environment|event-type|events|management|msg|operational-webhook|stats|stream))(\/|$)/;
const OF_APPLICATION =
  /^\/api\/v1\/app\/[^/]+\/(alert-email|attempt|auto-config|count-active|destination|endpoint|events|inbound|integration|msg|poller|polling-endpoint|stats|stream)(\/|$)/;

/** Whether a path that we do not serve belongs to the compatible API: those answer 501, never 404. */
export const isSvixPath = (path: string): boolean => ROOTS.test(path) || OF_APPLICATION.test(path);
