// After "npm ci": npm 10, which comes with Node 20 and 22, links the Node of this platform into node_modules/.bin and
// takes the link away again as it drops the packages for the other platforms, all of which are called "node" there.
// Plain JavaScript that runs on every Node from 20 on.
import { existsSync, symlinkSync } from 'node:fs';

const bin = new URL('../node_modules/.bin/', import.meta.url);
const here = `${process.platform}-${process.arch}`;
const binary = [`node-${here}`, `node-bin-${here}`].find((name) => existsSync(new URL(`../${name}/bin/node`, bin)));

if (binary && !existsSync(new URL('node', bin)) && process.platform !== 'win32') {
  symlinkSync(`../${binary}/bin/node`, new URL('node', bin));
}
