// A server of several processes: behaves like one, survives the death of one, and ends as a whole.
import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetObjectCommand, PutBucketPolicyCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import type { Wire } from './servers.js';
import { describeWire, USER_KEY } from './servers.js';

const WORKERS = 3;

/** Ids of the processes under a server. */
function workersOf(pid: number): number[] {
  const listed = execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' });
  return listed
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map(Number);
}

/** A new connection for each request: each may come to another worker. */
async function readAnonymously(url: string): Promise<number> {
  const response = await fetch(url, { headers: { connection: 'close' } });
  await response.arrayBuffer();
  return response.status;
}

const changes = { service: { workers: WORKERS } };

describeWire('a server of several workers', suite, changes);

function suite(wire: Wire): void {
  it('runs as many', () => {
    expect(workersOf(wire.server.pid)).toHaveLength(WORKERS);
  });

  it('obeys a change of a bucket in all workers once it is acknowledged', async () => {
    const Bucket = await wire.bucket();
    await wire.s3.send(new PutObjectCommand({ Bucket, Key: 'open', Body: 'for all' }));
    const url = `${wire.server.url}/${Bucket}/open`;
    const policy = (Effect: string) =>
      JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect, Principal: '*', Action: 's3:GetObject', Resource: `arn:aws:s3:::${Bucket}/*` }],
      });
    for (let round = 0; round < 5; round++) {
      for (const [effect, status] of [
        ['Allow', 200],
        ['Deny', 403],
      ] as const) {
        await wire.s3.send(new PutBucketPolicyCommand({ Bucket, Policy: policy(effect) }));
        const answers = await Promise.all(Array.from({ length: 4 * WORKERS }, () => readAnonymously(url)));
        expect(new Set(answers)).toEqual(new Set([status]));
      }
    }
  });

  it('replaces a worker that is killed, and goes on serving', async () => {
    const Bucket = await wire.bucket();
    await wire.s3.send(new PutObjectCommand({ Bucket, Key: 'kept', Body: 'kept' }));
    const before = workersOf(wire.server.pid);
    const [victim] = before;
    process.kill(Number(victim), 'SIGKILL');
    // What the killed one had in its hands is lost, and asked for again as every client does.
    const patient = wire.client(USER_KEY, { maxAttempts: 5 });
    const { Body } = await patient.send(new GetObjectCommand({ Bucket, Key: 'kept' }));
    expect(await Body?.transformToString()).toBe('kept');
    for (;;) {
      const now = workersOf(wire.server.pid);
      if (now.length === WORKERS && !now.includes(Number(victim))) break;
      await sleep(50);
    }
    expect(workersOf(wire.server.pid).filter((pid) => before.includes(pid))).toHaveLength(WORKERS - 1);
  });

  it('ends as a whole', async () => {
    const workers = workersOf(wire.server.pid);
    expect(await wire.server.stop(), wire.server.logs()).toEqual({ code: 0, signal: null });
    for (const pid of workers) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });
}
