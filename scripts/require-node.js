// Loaded with `node --import` before any TypeScript, so that a Node too old to read it ends in one line.
// Plain JavaScript that runs on every Node from 20 on.
const NEEDED_MAJOR = 26;
const [major] = process.versions.node.split('.');

if (Number(major) < NEEDED_MAJOR) {
  console.error(
    `Quittance needs Node ${NEEDED_MAJOR}, and this is ${process.version} (${process.platform}-${process.arch}). ` +
      `"npm ci" brings it along where its optional dependencies are installed; otherwise install Node ${NEEDED_MAJOR} and start again.`,
  );
  process.exit(1);
}
