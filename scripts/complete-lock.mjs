// Adds to package-lock.json the builds for other platforms that npm left out because the registry it asked does
// not carry them. Without these entries `npm ci` refuses the lock ("Missing: ... from lock file"), with them it
// skips what does not fit the machine. Run by `npm run lock`, after changing dependencies.
import { readFileSync, writeFileSync } from 'node:fs';

const OPERATING_SYSTEMS = ['darwin', 'linux', 'win32', 'freebsd', 'android', 'openharmony'];
const PROCESSORS = ['arm64', 'x64', 'arm', 'ia32', 'ppc64', 'riscv64', 's390x', 'loong64'];

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
let added = 0;
for (const [path, entry] of Object.entries(lock.packages))
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {}))
    if (!isLocked(path, name)) add(name, version, entry);

if (added > 0) {
  const { '': root, ...rest } = lock.packages;
  const sorted = Object.entries(rest).sort(([a], [b]) => a.localeCompare(b, 'en'));
  lock.packages = { '': root, ...Object.fromEntries(sorted) };
  writeFileSync('package-lock.json', `${JSON.stringify(lock, null, 2)}\n`);
}
console.log(`package-lock.json: ${added} builds for other platforms added`);

/** Node's own look-up: the package's own node_modules first, then each one above. */
function isLocked(path, name) {
  for (let folder = path; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('node_modules/') - 1))) {
    if (lock.packages[`${folder ? `${folder}/` : ''}node_modules/${name}`]) return true;
    if (folder === '') return false;
  }
}

function add(name, version, parent) {
  const words = name.split(/[/-]/);
  const os = OPERATING_SYSTEMS.find((word) => words.includes(word));
  const cpu = PROCESSORS.find((word) => words.includes(word));
  if (!os)
    throw new Error(`expected an operating system in the name of ${name}, found none: lock it by hand`);
  lock.packages[`node_modules/${name}`] = {
    version,
    cpu: [cpu ?? 'arm'],
    ...(parent.dev && { dev: true }),
    optional: true,
    os: [os],
  };
  added++;
}
