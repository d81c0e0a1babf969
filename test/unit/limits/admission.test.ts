import { describe, expect, it } from 'vitest';
import { Admission } from '../../../src/limits/admission.js';
import { S3Error } from '../../../src/s3/errors.js';

const NEVER = new AbortController().signal;
const open = (maxRunning: number, maxWaiting: number, maxWaitMs = 60_000) =>
  new Admission({ limits: { maxRunning, maxWaiting, maxWaitMs } });

async function refusal(entering: Promise<unknown>): Promise<S3Error> {
  const error = await entering.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof S3Error)) throw new Error(`expected a refusal, got ${String(error)}`);
  return error;
}

describe('Admission', () => {
  it('lets so many in, so many wait, and refuses the next at once', async () => {
    const admission = open(2, 1);
    const leave = await admission.enter(NEVER);
    await admission.enter(NEVER);
    const waiting = admission.enter(NEVER);
    const refused = await refusal(admission.enter(NEVER));
    expect([refused.code, refused.status, refused.headers['retry-after']]).toEqual(['SlowDown', 503, '1']);
    expect([admission.running, admission.waiting, admission.refused]).toEqual([2, 1, 1]);
    leave();
    leave();
    await waiting;
    expect([admission.running, admission.waiting]).toEqual([2, 0]);
  });

  it('goes by the order of arrival', async () => {
    const admission = open(1, 10);
    let leave = await admission.enter(NEVER);
    const order: number[] = [];
    const waiting = [0, 1, 2].map(async (index) => {
      const next = await admission.enter(NEVER);
      order.push(index);
      leave = next;
    });
    for (const one of waiting) {
      leave();
      await one;
    }
    expect(order).toEqual([0, 1, 2]);
  });

  it('does not let one wait for ever, or after its client has gone', async () => {
    const admission = open(1, 2, 20);
    await admission.enter(NEVER);
    expect((await refusal(admission.enter(NEVER))).code).toBe('SlowDown');
    const aborter = new AbortController();
    const waiting = admission.enter(aborter.signal);
    aborter.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
    expect([admission.running, admission.waiting]).toEqual([1, 0]);
  });

  it('lets those that wait in when there is more room', async () => {
    const admission = open(1, 1);
    await admission.enter(NEVER);
    const waiting = admission.enter(NEVER);
    admission.update({ maxRunning: 2, maxWaiting: 1, maxWaitMs: 60_000 });
    await waiting;
    expect(admission.running).toBe(2);
  });
});
