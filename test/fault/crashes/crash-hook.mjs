// Loaded into a gateway before anything else (node --import): once SIGUSR2 has armed it, the process kills itself with SIGKILL when
// the step number PITHOS_TEST_CRASH_AT is done and before anybody learns of it. A step is whatever changes a store: a statement of
// Cassandra that writes, a transaction of LMDB, a write or sync of a blob file. Step 0: before the first one begins.
import { open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Cluster } from '../../../dist/store/cassandra/cluster.js';
import { MetaDatabase } from '../../../dist/store/embedded/database.js';

const crashAt = Number(process.env.PITHOS_TEST_CRASH_AT);
let armed = false;
let steps = 0;

process.on('SIGUSR2', () => {
  armed = true;
  process.stderr.write('crash armed\n');
});

function crash() {
  process.kill(process.pid, 'SIGKILL');
}

/** Counts calls of a method as steps. isStep: by its arguments. */
function watch(prototype, name, isStep = () => true) {
  const original = prototype[name];
  prototype[name] = async function (...args) {
    if (!armed || !isStep(...args)) return original.apply(this, args);
    if (crashAt === 0) crash();
    const result = await original.apply(this, args);
    steps += 1;
    if (steps >= crashAt) crash();
    return result;
  };
}

const changes = (_statements, kind) => kind !== 'read';
watch(Cluster.prototype, 'execute', changes);
watch(Cluster.prototype, 'batch', changes);
watch(MetaDatabase.prototype, 'transact');
const self = await open(fileURLToPath(import.meta.url));
watch(Object.getPrototypeOf(self), 'writev');
watch(Object.getPrototypeOf(self), 'datasync');
await self.close();
