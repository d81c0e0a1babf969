// Hours of test/wire/fuzz.test.ts in one command: hostile requests to a gateway on the embedded store, or to one that runs.
//
//   npm run build && node test/fuzz/fuzz.mjs --cases 100000 --seed 1
//
// Prints how each kind of request was answered, and what was found; exits with 1 when anything was.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { register } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';

register('../support/typescript-hooks.mjs', import.meta.url);
const load = (/** @type {string} */ name) => import(new URL(name, import.meta.url).href);
/** @type {typeof import('./fuzz.js')} */
const { fuzz } = await load('./fuzz.ts');
/** @type {typeof import('./world.js')} */
const { makeWorld } = await load('./world.ts');
/** @type {typeof import('../support/random.js')} */
const { Random } = await load('../support/random.ts');
/** @type {typeof import('../support/server.js')} */
const { embeddedConfig, MASTER_KEY, OTHER_KEY, REGION, spawnPithos } = await load('../support/server.ts');
const { S3Client } = await import('@aws-sdk/client-s3');

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e6)) },
    concurrency: { type: 'string', default: '32' },
    /** a file for what the server said */
    log: { type: 'string' },
  },
});

const MIB = 1024 * 1024;
const user = {
  ...OTHER_KEY,
  accessKeyId: 'AKIAUSEROFWIRETESTS0',
  secretAccessKey: 'TheSecretOfTheFuzzersUser/0123456789abcdef',
  tenant: 'user@example.com',
};
const dataDir = await mkdtemp(path.join(os.tmpdir(), 'pithos-fuzz-'));
const config = embeddedConfig({ dataDir });
const { keys } = /** @type {{ keys: Record<string, unknown> }} */ (config['keystore']);
const server = await spawnPithos({
  config: {
    ...config,
    keystore: { keys: { ...keys, [user.accessKeyId]: { tenant: user.tenant, secret: user.secretAccessKey } } },
    // What a request is answered is of no interest here; what goes wrong is.
    logging: { level: 'warn' },
    limits: { 'headers-timeout': '2s', 'body-idle-timeout': '2s', 'request-timeout': '20s' },
  },
});
const clientOf = (/** @type {typeof MASTER_KEY} */ { accessKeyId, secretAccessKey }) =>
  new S3Client({
    endpoint: server.url,
    region: REGION,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  });
try {
  console.log(`seed ${values.seed}`);
  const { world, secrets } = await makeWorld({
    host: `${server.host}:${server.port}`,
    user,
    other: OTHER_KEY,
    userS3: clientOf(user),
    otherS3: clientOf(OTHER_KEY),
  });
  const report = await fuzz({
    server,
    world,
    random: new Random(Number(values.seed)),
    cases: Number(values.cases),
    concurrency: Number(values.concurrency),
    secrets,
    progress: (done) => {
      if (done % 5000 === 0) process.stderr.write(`${done} of ${values.cases}\n`);
    },
  });
  console.table(report.statuses);
  for (const { kind, what, request, answer } of report.findings)
    console.log(`${kind}: ${what}\n  ${request}\n  ${answer}`);
  const logs = server.logs();
  if (values.log !== undefined) await writeFile(values.log, logs);
  const errors = logs.split('\n').filter((line) => /"level":"(error|fatal)"|^pithos: /.test(line));
  for (const line of errors.slice(0, 20)) console.log(`log: ${line.slice(0, 1000)}`);
  const told = secrets.filter((secret) => logs.includes(secret));
  console.log(
    `${report.cases} cases, ${report.findings.length} findings, ${errors.length} errors and ${told.length} secrets in the log, ` +
      `peak memory ${Math.round(server.peakRssBytes() / MIB)} MiB, ${server.running ? 'still running' : 'GONE'}`,
  );
  process.exitCode = report.findings.length + errors.length + told.length === 0 && server.running ? 0 : 1;
} finally {
  await server.stop();
  await rm(dataDir, { recursive: true, force: true });
}
