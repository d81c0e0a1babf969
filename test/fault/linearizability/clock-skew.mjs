// Preloaded (`node --import`) into a process whose clock is to be wrong: shifts Date, which is all that the server, its libraries
// and the Cassandra driver know of the time of day. Monotonic clocks and timers go on as they are.
//
//   PITHOS_TEST_CLOCK_OFFSETS_MS   offsets from the true time; the clock jumps from one to the next, over and over
//   PITHOS_TEST_CLOCK_STEP_MS      how long it stays at each
import process from 'node:process';

const offsetsMs = (process.env.PITHOS_TEST_CLOCK_OFFSETS_MS ?? '0').split(',').map(Number);
const stepMs = Number(process.env.PITHOS_TEST_CLOCK_STEP_MS ?? '10000');
if (!offsetsMs.every(Number.isFinite) || !(stepMs > 0))
  throw new RangeError('clock-skew.mjs: offsets and step are numbers');

const TrueDate = Date;
const trueNow = Date.now;

function now() {
  return trueNow() + offsetsMs[Math.floor(performance.now() / stepMs) % offsetsMs.length];
}

TrueDate.now = now;
globalThis.Date = new Proxy(TrueDate, {
  construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  apply: () => new TrueDate(now()).toString(),
});
