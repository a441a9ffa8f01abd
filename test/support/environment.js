import { TestEnvironment } from 'jest-environment-node';

/** What keeps a process from ending: whoever opened one of these in a suite closes it there. */
const KINDS = ['TCPServerWrap', 'TCPSocketWrap', 'PipeWrap', 'ProcessWrap', 'MessagePort', 'Timeout'];
/** Sockets take a turn or two to be gone after they were closed. */
const PATIENCE_MS = 10_000;

const open = () => {
  const counts = new Map(KINDS.map((kind) => [kind, 0]));
  for (const kind of process.getActiveResourcesInfo()) if (counts.has(kind)) counts.set(kind, counts.get(kind) + 1);
  return counts;
};

/** Node's environment, and a suite that leaves something open fails. */
export default class extends TestEnvironment {
  async setup() {
    await super.setup();
    // Opened by whoever first writes to them, and not by a suite.
    for (const stream of [process.stdout, process.stderr]) stream.writableLength;
    this.before = open();
  }

  async handleTestEvent({ name, test }) {
    // A test that failed did not come to its end, where it closes what it opened: its own failure says more.
    if (name === 'hook_failure' || (name === 'test_done' && test.errors.length > 0)) this.failed = true;
    if (name !== 'run_finish' || this.failed) return;
    const left = () => [...open()].filter(([kind, count]) => count > this.before.get(kind)).map(([kind]) => kind);
    const deadline = Date.now() + PATIENCE_MS;
    while (left().length > 0 && Date.now() < deadline) await new Promise((wake) => setImmediate(wake));
    if (left().length > 0) throw new Error(`This suite left something open: ${left().join(', ')}`);
  }
}
