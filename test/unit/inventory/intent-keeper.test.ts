import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { IntentKeeper } from '../../../src/inventory/intent-keeper.js';
import { StoreError } from '../../../src/store/errors.js';
import type { Intent } from '../../../src/store/types.js';

const LEASE_MS = 9000;

function intent(id: string): Intent {
  return { id, key: 'key', bucket: { name: 'bucket', instance: 'i', region: 'r' } };
}

describe('intents of written data', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function keeper(renewIntent: (renewed: Intent) => Promise<void>) {
    return new IntentKeeper({ metadata: { renewIntent }, leaseMs: LEASE_MS });
  }

  it('are renewed, each of them, until they are dropped', async () => {
    const renewed: string[] = [];
    const kept = keeper(async ({ id }) => void renewed.push(id));
    const [a, b] = [intent('a'), intent('b')];
    kept.add(a);
    kept.add(b);
    await vi.advanceTimersByTimeAsync(LEASE_MS);
    expect(renewed).toEqual(['a', 'b', 'a', 'b', 'a', 'b']);
    await kept.drop(a);
    await vi.advanceTimersByTimeAsync(LEASE_MS / 3);
    expect(renewed.slice(6)).toEqual(['b']);
    await kept.stop();
    await vi.advanceTimersByTimeAsync(LEASE_MS);
    expect(renewed).toHaveLength(7);
    expect(kept.failed.aborted).toBe(false);
  });

  it('are lost at once when the store says that they lapsed', async () => {
    const lapsed = new StoreError('closed', 'notApplied', 'it lapsed');
    const kept = keeper(() => Promise.reject(lapsed));
    kept.add(intent('a'));
    await vi.advanceTimersByTimeAsync(LEASE_MS / 3);
    expect(kept.failed.reason).toBe(lapsed);
    await kept.stop();
  });

  it('survive a renewal that is not answered, but not so long that they may have lapsed', async () => {
    let answers = false;
    const kept = keeper(async () => {
      await Promise.resolve();
      if (!answers) throw new StoreError('timeout', 'unknown', 'no answer');
    });
    kept.add(intent('a'));
    await vi.advanceTimersByTimeAsync(LEASE_MS / 3);
    expect(kept.failed.aborted).toBe(false);
    answers = true;
    await vi.advanceTimersByTimeAsync(LEASE_MS / 3);
    answers = false;
    await vi.advanceTimersByTimeAsync(LEASE_MS / 3);
    expect(kept.failed.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(LEASE_MS / 3);
    expect(kept.failed.aborted).toBe(true);
    await kept.stop();
  });

  it('that are being renewed are waited for before they are committed', async () => {
    let answer: () => void = () => undefined;
    const kept = keeper(() => new Promise((resolve) => (answer = resolve)));
    const a = intent('a');
    kept.add(a);
    await vi.advanceTimersByTimeAsync(LEASE_MS / 3);
    let dropped = false;
    const drop = kept.drop(a).then(() => (dropped = true));
    await vi.advanceTimersByTimeAsync(1);
    expect(dropped).toBe(false);
    answer();
    await drop;
    expect(dropped).toBe(true);
    await kept.stop();
  });
});
