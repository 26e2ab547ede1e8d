import { resolveFirst, UnresolvedError, type Inspection, type ResolutionStep } from './resolution.js';

const step = (name: string, inspection: Inspection, obtain = () => Promise.resolve(name)) =>
  ({ name, inspect: () => Promise.resolve(inspection), obtain }) satisfies ResolutionStep<string>;
const absent = (name: string) => step(name, { usable: false, why: `no ${name}` });
const present = (name: string) => step(name, { usable: true, what: `a ${name}` });

describe('finding a server', () => {
  it('takes the first usable step and tells why the ones before it were passed over', async () => {
    const found = await resolveFirst('X', [absent('url'), present('path'), present('cache')], undefined, '');
    expect(found).toMatchObject({ step: 'path', value: 'path', passed: [{ step: 'url', why: 'no url' }] });
  });

  it('goes on to the next step when a usable one fails', async () => {
    const broken = step('download', { usable: true, what: 'a site' }, () =>
      Promise.reject(new Error('cut off')),
    );
    const found = await resolveFirst('X', [broken, present('build')], undefined, '');
    expect(found).toMatchObject({ step: 'build', passed: [{ step: 'download', why: 'cut off' }] });
  });

  it('never falls back to another step than the forced one', async () => {
    const forced = resolveFirst('X', [present('path'), absent('cache')], 'cache', 'Do this.');
    await expect(forced).rejects.toThrow(UnresolvedError);
    await expect(forced).rejects.toThrow(/cache: no cache\nDo this\./);
  });

  it('names the choices when the forced step does not exist', async () => {
    const forced = resolveFirst('X', [present('path'), present('cache')], 'docker', '');
    await expect(forced).rejects.toThrow("expected one of path, cache, got 'docker'");
  });

  it('looks at no step behind the one it takes', async () => {
    let looked = false;
    const later = {
      ...present('build'),
      inspect: () => ((looked = true), Promise.reject(new Error('looked'))),
    };
    await resolveFirst('X', [present('path'), later], undefined, '');
    expect(looked).toBe(false);
  });
});
