import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { choosePort, isPortFree } from './ports.js';

const busy =
  (...ports: number[]) =>
  (port: number) =>
    Promise.resolve(!ports.includes(port));
const request = (explicit?: string) => ({ wanted: 3000, explicit, variable: 'HOLDFAST_API_PORT' });

describe('ports', () => {
  it('takes the default when it is free', async () => {
    expect(await choosePort(request(), new Set(), busy())).toEqual({ port: 3000, moved: false });
  });

  it('moves to the next free port when the default is busy, and says so', async () => {
    expect(await choosePort(request(), new Set([3001]), busy(3000, 3002))).toEqual({
      port: 3003,
      moved: true,
    });
  });

  it('refuses a busy port that was set explicitly, naming the variable', async () => {
    await expect(choosePort(request('4000'), new Set(), busy(4000))).rejects.toThrow(
      'HOLDFAST_API_PORT=4000',
    );
  });

  it.each(['0', '70000', 'x', '80.5'])('refuses %s as a port', async (value) => {
    await expect(choosePort(request(value), new Set(), busy())).rejects.toThrow('expected a port');
  });

  it('treats a port that another process listens on as busy', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, resolve));
    const { port } = server.address() as AddressInfo;
    expect(await isPortFree(port)).toBe(false);
    await new Promise((resolve) => server.close(resolve));
    expect(await isPortFree(port)).toBe(true);
  });
});
