import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Folder of package.json: above this file both in the sources and in `dist/`. */
export function projectRoot(): string {
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder))
    if (existsSync(join(folder, 'package.json'))) return folder;
  throw new Error(
    `expected a package.json above ${import.meta.dirname}, found none: is the checkout complete?`,
  );
}
