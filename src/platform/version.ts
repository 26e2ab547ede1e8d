import { readFileSync } from 'node:fs';

/** The version of the package, found from src/ and from dist/src/ alike. */
export const VERSION: string = readVersion();

function readVersion(): string {
  for (const up of ['../../package.json', '../../../package.json']) {
    try {
      const manifest = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')) as { version?: string };
      if (manifest.version !== undefined) return manifest.version;
    } catch {
      // The other layout.
    }
  }
  return '0.0.0';
}
