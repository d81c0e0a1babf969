// What clients notice of a node that is killed, and of a lost quorum, in figures: availability.test.ts at length.
//
//   npm run build && node test/fault/availability.mjs --phase-s 20 --clients 16 --json report.json
import { writeFile } from 'node:fs/promises';
import { register } from 'node:module';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { startRing } from '../cassandra/index.mjs';

register('../support/typescript-hooks.mjs', import.meta.url);
/** @type {typeof import('./availability/experiment.js')} */
const { runExperiment } = await import(new URL('./availability/experiment.ts', import.meta.url).href);

const { values } = parseArgs({
  options: {
    'phase-s': { type: 'string', default: '20' },
    clients: { type: 'string', default: '16' },
    json: { type: 'string' },
  },
});

const ring = await startRing();
try {
  const report = await runExperiment({
    ring,
    clients: Number(values.clients),
    phaseMs: Number(values['phase-s']) * 1000,
    progress: (line) => process.stderr.write(`${line}\n`),
  });
  const text = JSON.stringify(report, null, 2);
  console.log(text);
  if (values.json !== undefined) await writeFile(values.json, `${text}\n`);
} finally {
  await ring.stop();
}
