// `npm test`: every project, in three lanes beside each other. The projects are independent and wait much; each lane is a process of its
// own with its own Cassandra and its own ports. With arguments it is vitest with these: `npm test -- --project unit`.
//
// Prints what the lanes print, each line with its lane's name, and as the last line 'N passed, N failed'. Exit code 1 on any failure.
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import readline from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const LANES = [
  { name: 'fault', ports: '20000-23999', projects: ['fault'] },
  { name: 'wire', ports: '24000-27999', projects: ['wire'] },
  { name: 'others', ports: '28000-31999', projects: ['unit', 'k8s', 'contract', 'clients'] },
];
const LAST_LINES_MS = 5_000;
const VITEST = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));

const given = process.argv.slice(2);
if (given.length > 0) {
  const child = spawn(process.execPath, [VITEST, 'run', ...given], { stdio: 'inherit' });
  child.once('exit', (code) => process.exit(code ?? 1));
} else {
  process.exit(await runLanes());
}

async function runLanes() {
  const results = await mkdtemp(path.join(os.tmpdir(), 'pithos-lanes-'));
  // A lane is a process group: its servers end with it.
  const children = new Set();
  const endAll = () => {
    for (const { pid } of children) {
      try {
        process.kill(-pid, 'SIGTERM');
      } catch {
        // It has ended already.
      }
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.once(signal, () => {
      endAll();
      process.exit(1);
    });
  try {
    const codes = await Promise.all(LANES.map((lane) => runLane(lane, results, children)));
    const sums = await Promise.all(LANES.map((lane) => resultOf(lane, results)));
    const passed = sums.reduce((sum, lane) => sum + lane.passed, 0);
    const failed = sums.reduce((sum, lane) => sum + lane.failed, 0);
    process.stdout.write(`${passed} passed, ${failed} failed\n`);
    return codes.every((code) => code === 0) && failed === 0 ? 0 : 1;
  } finally {
    await rm(results, { recursive: true, force: true });
  }
}

/** @returns the exit code */
async function runLane({ name, ports, projects }, results, children) {
  const args = [VITEST, 'run', ...projects.map((project) => `--project=${project}`)];
  args.push('--reporter=default', '--reporter=json', `--outputFile.json=${path.join(results, `${name}.json`)}`);
  const child = spawn(process.execPath, args, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PITHOS_TEST_PORTS: ports },
  });
  children.add(child);
  for (const stream of [child.stdout, child.stderr])
    readline.createInterface({ input: stream }).on('line', (line) => process.stdout.write(`[${name}] ${line}\n`));
  const closed = new Promise((resolve) => child.once('close', resolve));
  const code = await new Promise((resolve) => child.once('exit', resolve));
  // A process that outlives its lane must not hold this one up.
  await Promise.race([closed, sleep(LAST_LINES_MS, undefined, { ref: false })]);
  children.delete(child);
  return code;
}

/** A lane that ended without a result counts as a failure. */
async function resultOf({ name }, results) {
  try {
    const report = JSON.parse(await readFile(path.join(results, `${name}.json`), 'utf8'));
    if (report.numFailedTestSuites > 0)
      process.stdout.write(`${report.numFailedTestSuites} of ${report.numTotalTestSuites} suites of ${name} failed\n`);
    return { passed: report.numPassedTests, failed: report.numFailedTests };
  } catch {
    process.stdout.write(`${name} ended without a result\n`);
    return { passed: 0, failed: 1 };
  }
}
