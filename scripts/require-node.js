// Loaded with `node --import` before any TypeScript: a Node too old to read it ends in one line, and what was read once
// is kept, so that a start is faster and no thread loads a TypeScript parser (20 MB each).
// Plain JavaScript that runs on every Node from 20 on.
import * as module from 'node:module';
import { fileURLToPath } from 'node:url';

const NEEDED_MAJOR = 26;
const [major] = process.versions.node.split('.');

if (Number(major) < NEEDED_MAJOR) {
  console.error(
    `Quittance needs Node ${NEEDED_MAJOR}, and this is ${process.version} (${process.platform}-${process.arch}). ` +
      `"npm ci" brings it along where its optional dependencies are installed; otherwise install Node ${NEEDED_MAJOR} and start again.`,
  );
  process.exit(1);
}
module.enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/quittance', import.meta.url)));
