/** When everything is well again: every key is read once more, and what was acknowledged must be there, in GET and in listings. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from './client.js';
import { etagOf } from './client.js';
import { isContentOf } from './contents.js';
import type { Gateways } from './gateways.js';
import type { Random } from '../../support/random.js';
import type { Recorder } from './recorder.js';
import type { Requests } from './requests.js';

export interface AuditOptions {
  readonly requests: Requests;
  readonly client: Client;
  readonly recorder: Recorder;
  readonly gateways: Gateways;
  readonly random: Random;
  readonly bucket: string;
  /** Prefix -> keys under it. */
  readonly keys: ReadonlyMap<string, readonly string[]>;
}

/** A ring that was hurt has this long to answer again. */
const RECOVERY_MS = 120_000;
const WIDTH = 8;
const AGREEMENT_POLL_MS = 2_000;

/** Adds the last reads to the histories. @returns acknowledged objects that are lost or damaged, each in a line */
export async function audit(options: AuditOptions): Promise<string[]> {
  const { requests, recorder, gateways, random } = options;
  const anyGateway = () => random.pick(gateways.running);
  for (const [prefix, keys] of options.keys) {
    await inParallel(keys, (key) => patiently(async () => (await requests.read(anyGateway(), key, 'GET')) !== null));
    await patiently(async () => (await requests.list(anyGateway(), prefix, keys)) !== null);
  }
  const lost: string[] = [];
  await inParallel([...recorder.archived], async ([key, etag]) => {
    const fault = await faultOf(options, key, etag);
    if (fault !== null) lost.push(`${key}: ${fault}`);
  });
  let listed: ReadonlyMap<string, string> = new Map();
  await patiently(async () => {
    const found = await requests.list(anyGateway(), 'archive/', []);
    listed = found ?? listed;
    return found !== null;
  });
  for (const [key, etag] of recorder.archived)
    if (listed.get(key) !== etag) lost.push(`${key}: listed as ${listed.get(key) ?? 'absent'}`);
  return lost;
}

/**
 * Keys whose listing says something else than GET, each in a line, once there are none any more or the patience is at its end. All reads
 * are added to the histories.
 */
export async function disagreements(options: AuditOptions, patienceMs: number): Promise<string[]> {
  const { requests, recorder, gateways, random } = options;
  const deadlineMs = performance.now() + patienceMs;
  for (;;) {
    const differing: string[] = [];
    for (const [prefix, keys] of options.keys) {
      const listed = await requests.list(random.pick(gateways.running), prefix, keys);
      await inParallel(keys, async (key) => {
        const read = await requests.read(random.pick(gateways.running), key, 'GET');
        const [shown, there] = [listed?.get(key) ?? null, recorder.seen.get(key) ?? null];
        if (listed === null || read === null) differing.push(`${key}: no answer`);
        else if (shown !== there)
          differing.push(`${key}: listed as ${shown ?? 'absent'}, GET says ${there ?? 'absent'}`);
      });
    }
    if (differing.length === 0 || performance.now() > deadlineMs) return differing;
    await sleep(AGREEMENT_POLL_MS);
  }
}

async function faultOf(
  { client, gateways, random, bucket }: AuditOptions,
  key: string,
  etag: string,
): Promise<string | null> {
  let fault: string | null = null;
  await patiently(async () => {
    const answer = await client.send(random.pick(gateways.running).url, { method: 'GET', path: `/${bucket}/${key}` });
    if (answer.kind !== 'answer' || answer.status === 503) return false;
    if (answer.status !== 200) fault = `${answer.status} ${answer.code}`;
    else if (etagOf(answer) !== etag || !isContentOf(answer.body, etag)) fault = 'another content';
    return true;
  });
  return fault;
}

async function patiently(task: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + RECOVERY_MS;
  while (!(await task())) {
    if (performance.now() > deadlineMs) throw new Error(`no answer within ${RECOVERY_MS} ms of the end of all faults`);
    await sleep(500);
  }
}

async function inParallel<T>(items: readonly T[], run: (item: T) => Promise<unknown>): Promise<void> {
  const left = items[Symbol.iterator]();
  const worker = async (): Promise<void> => {
    for (let next = left.next(); next.done !== true; next = left.next()) await run(next.value);
  };
  await Promise.all(Array.from({ length: WIDTH }, worker));
}
