// Loaded into a gateway before anything else (node --import): once SIGUSR2 has armed it, each request stands still for good when its
// step number PITHOS_TEST_CRASH_AT is done and before anybody learns of it, which is told on standard error. The process that is
// killed then has died at that step of all requests at once. A step is whatever changes a store: a statement of Cassandra that
// writes, a transaction of LMDB, a write or sync of a blob file. Step 0: before the first one begins.
import { AsyncLocalStorage } from 'node:async_hooks';
import { open } from 'node:fs/promises';
import { Server } from 'node:http';
import { fileURLToPath } from 'node:url';
import { Cluster } from '../../../dist/store/cassandra/cluster.js';
import { MetaDatabase } from '../../../dist/store/embedded/database.js';

const crashAt = Number(process.env.PITHOS_TEST_CRASH_AT);
/** Of the request that the present work is for: its path, and how many steps it has done. */
const requests = new AsyncLocalStorage();
let armed = false;
/** A request that waits for a 100 Continue comes as the second. */
const REQUESTS = new Set(['request', 'checkContinue']);

process.on('SIGUSR2', () => {
  armed = true;
  process.stderr.write('crash armed\n');
});

const { emit } = Server.prototype;
Server.prototype.emit = function (event, ...args) {
  if (!armed || !REQUESTS.has(event)) return emit.call(this, event, ...args);
  return requests.run({ path: args[0].url, steps: 0, isTold: false }, () => emit.call(this, event, ...args));
};

/** Never resolves, and keeps the process from ending by itself. */
function standStill(request) {
  if (!request.isTold) process.stderr.write(`stands still: ${request.path}\n`);
  request.isTold = true;
  return new Promise(() => setInterval(() => undefined, 60_000));
}

/** Counts calls of a method as steps. isStep: by its arguments. */
function watch(prototype, name, isStep = () => true) {
  const original = prototype[name];
  prototype[name] = async function (...args) {
    const request = requests.getStore();
    if (request === undefined || !isStep(...args)) return original.apply(this, args);
    if (request.steps >= crashAt) return standStill(request);
    const result = await original.apply(this, args);
    request.steps += 1;
    return request.steps >= crashAt ? standStill(request) : result;
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
