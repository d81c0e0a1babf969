import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { IngestOptions } from '../../../src/data/ingest.js';
import { ingest } from '../../../src/data/ingest.js';
import { StoreError } from '../../../src/store/errors.js';
import type { Setup } from './ingest-helpers.js';
import { CHUNK_BYTES, INLINE_BYTES, setUp } from './ingest-helpers.js';
import { sourceOf } from './memory-stores.js';

const BODY = Array.from({ length: 40 }, () => Buffer.alloc(100, 1));

/** What every failed ingest leaves: no blob, no intent, no memory. */
async function expectNothingLeft({ blobs, intents, budget }: Setup): Promise<void> {
  expect(blobs.blobs.size).toBe(0);
  expect(blobs.outstanding).toBe(0);
  expect(intents.open.size).toBe(0);
  expect(budget.usedBytes).toBe(0);
  // and nothing comes later
  for (let turn = 0; turn < 10; turn += 1) await nextTurn();
  expect(blobs.blobs.size).toBe(0);
  expect(intents.open.size).toBe(0);
  expect(budget.waiting).toBe(0);
}

describe('a failing source', () => {
  it.each([0, 1, 2, 5, 39])('after %i slices: its own error, nothing left', async (after) => {
    const setup = setUp();
    const failure = new Error('signature does not match');
    async function* source(): AsyncGenerator<Buffer, void, void> {
      yield* sourceOf(BODY.slice(0, after));
      throw failure;
    }
    await expect(ingest(setup.options(source()))).rejects.toBe(failure);
    await expectNothingLeft(setup);
    if (after >= 2) expect(setup.events.at(-1)).toBe('abandon');
    else expect(setup.events).toEqual([]);
  });

  it('that throws at its very first call', async () => {
    const setup = setUp();
    const failure = new Error('cannot start');
    const source: AsyncIterable<Buffer> = {
      [Symbol.asyncIterator]: () => ({
        next: () => {
          throw failure;
        },
      }),
    };
    await expect(ingest(setup.options(source))).rejects.toBe(failure);
    await expectNothingLeft(setup);
  });
});

describe('an abort', () => {
  it.each([0, 3, 20])('after %i slices ends a source that hangs, and leaves nothing', async (after) => {
    const setup = setUp();
    const controller = new AbortController();
    const reason = new Error('client went away');
    async function* source(): AsyncGenerator<Buffer, void, void> {
      yield* sourceOf(BODY.slice(0, after));
      setTimeout(() => controller.abort(reason), 5);
      await new Promise(() => undefined);
    }
    await expect(ingest(setup.options(source(), { signal: controller.signal }))).rejects.toBe(reason);
    await expectNothingLeft(setup);
  });

  it('before the start reads nothing', async () => {
    const setup = setUp();
    let pulled = false;
    async function* source(): AsyncGenerator<Buffer, void, void> {
      pulled = true;
      yield Buffer.alloc(1);
    }
    const reason = new Error('too late');
    await expect(ingest(setup.options(source(), { signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
    expect(pulled).toBe(false);
    await expectNothingLeft(setup);
  });

  it('while it waits for memory', async () => {
    const setup = setUp({ limitBytes: CHUNK_BYTES });
    const hold = await setup.budget.acquire(CHUNK_BYTES);
    const controller = new AbortController();
    const running = ingest(setup.options(BODY, { signal: controller.signal }));
    await nextTurn();
    expect(setup.budget.waiting).toBe(1);
    const reason = new Error('client went away');
    controller.abort(reason);
    await expect(running).rejects.toBe(reason);
    hold();
    await expectNothingLeft(setup);
  });

  it('while the last chunks are written', async () => {
    const setup = setUp();
    const controller = new AbortController();
    const reason = new Error('deadline');
    setup.blobs.beforeStore = async (index) => {
      await nextTurn();
      if (index === 15) controller.abort(reason);
    };
    await expect(ingest(setup.options(BODY, { signal: controller.signal }))).rejects.toBe(reason);
    await expectNothingLeft(setup);
  });

  it('tells the source to stop', async () => {
    const setup = setUp();
    const controller = new AbortController();
    let closed = false;
    async function* source(): AsyncGenerator<Buffer, void, void> {
      try {
        for (;;) {
          await nextTurn();
          yield Buffer.alloc(50);
        }
      } finally {
        closed = true;
      }
    }
    const running = ingest(setup.options(source(), { signal: controller.signal }));
    await nextTurn();
    controller.abort();
    await expect(running).rejects.toMatchObject({ name: 'AbortError' });
    await nextTurn();
    await nextTurn();
    expect(closed).toBe(true);
    await expectNothingLeft(setup);
  });

  it('leaves no listener on the caller’s signal', async () => {
    const setup = setUp();
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners += 1;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners -= 1;
      remove(...args);
    };
    await ingest(setup.options(BODY, { signal }));
    expect(listeners).toBe(0);
  });
});

describe('a failing store', () => {
  it.each([0, 1, 7, 15])('at chunk %i: its own error, nothing left', async (failing) => {
    const setup = setUp();
    const failure = new StoreError('unavailable', 'unknown', 'node down');
    setup.blobs.beforeStore = async (index) => {
      await nextTurn();
      if (index === failing) throw failure;
    };
    await expect(ingest(setup.options(BODY))).rejects.toBe(failure);
    await expectNothingLeft(setup);
    expect(setup.events.slice(-2)).toEqual(['abort', 'abandon']);
  });

  it('while the source hangs', async () => {
    const setup = setUp();
    const failure = new StoreError('storage', 'notApplied', 'no space left');
    setup.blobs.beforeStore = () => Promise.reject(failure);
    async function* source(): AsyncGenerator<Buffer, void, void> {
      yield* sourceOf(BODY);
      await new Promise(() => undefined);
    }
    await expect(ingest(setup.options(source()))).rejects.toBe(failure);
    await expectNothingLeft(setup);
  });

  it('that cannot announce the blob: no chunk is written', async () => {
    const setup = setUp();
    setup.intents.failOpen = new StoreError('timeout', 'unknown', 'no answer');
    await expect(ingest(setup.options(BODY))).rejects.toBe(setup.intents.failOpen);
    expect(setup.events).toEqual([]);
    await expectNothingLeft(setup);
  });

  it('that cannot open a writer: the intent is abandoned', async () => {
    const setup = setUp();
    const failure = new StoreError('storage', 'notApplied', 'read-only file system');
    setup.blobs.openWriter = () => Promise.reject(failure);
    await expect(ingest(setup.options(BODY))).rejects.toBe(failure);
    expect(setup.events).toEqual(['intent', 'abandon']);
    await expectNothingLeft(setup);
  });

  it('that cannot finish', async () => {
    const setup = setUp();
    setup.blobs.failFinish = new StoreError('timeout', 'unknown', 'fsync');
    await expect(ingest(setup.options(BODY))).rejects.toBe(setup.blobs.failFinish);
    await expectNothingLeft(setup);
  });

  it('that cannot even abandon the intent does not hide the first error', async () => {
    const setup = setUp();
    const failure = new Error('short body');
    setup.intents.failAbandon = new StoreError('unavailable', 'unknown', 'node down');
    async function* source(): AsyncGenerator<Buffer, void, void> {
      yield* sourceOf(BODY);
      throw failure;
    }
    await expect(ingest(setup.options(source()))).rejects.toBe(failure);
    expect(setup.blobs.blobs.size).toBe(0);
    expect(setup.budget.usedBytes).toBe(0);
  });
});

describe('a body that is too large', () => {
  it.each([10, INLINE_BYTES + 50, 3 * CHUNK_BYTES])('beyond a limit of %i', async (maxSizeBytes) => {
    const setup = setUp();
    const atLimit = await ingest(setup.options([Buffer.alloc(maxSizeBytes)], { maxSizeBytes }));
    expect(atLimit.sizeBytes).toBe(maxSizeBytes);
    await atLimit.abandon();
    setup.blobs.blobs.clear();
    const overrides: Partial<IngestOptions> = { maxSizeBytes };
    await expect(ingest(setup.options([Buffer.alloc(maxSizeBytes), Buffer.alloc(1)], overrides))).rejects.toMatchObject(
      {
        code: 'EntityTooLarge',
        detail: { ProposedSize: String(maxSizeBytes + 1), MaxSizeAllowed: String(maxSizeBytes) },
      },
    );
    await expectNothingLeft(setup);
  });

  it('by its declared size is refused before it is read', async () => {
    const setup = setUp();
    let pulled = false;
    async function* source(): AsyncGenerator<Buffer, void, void> {
      pulled = true;
      yield Buffer.alloc(1);
    }
    const options = setup.options(source(), { maxSizeBytes: 10, sizeHintBytes: 11 });
    await expect(ingest(options)).rejects.toMatchObject({ code: 'EntityTooLarge' });
    expect(pulled).toBe(false);
    await expectNothingLeft(setup);
  });

  it('beyond its declared size', async () => {
    const setup = setUp();
    await expect(ingest(setup.options(BODY, { sizeHintBytes: 999 }))).rejects.toMatchObject({ code: 'IncompleteBody' });
    await expectNothingLeft(setup);
  });
});

describe('abandon', () => {
  it('gives the blob to the sweeper and never throws', async () => {
    const setup = setUp();
    const ingested = await ingest(setup.options(BODY));
    expect(setup.intents.open.size).toBe(1);
    await ingested.abandon();
    expect(setup.intents.open.size).toBe(0);
    setup.intents.failAbandon = new Error('node down');
    await ingested.abandon();
    await (await ingest(setup.options([Buffer.from('inline')]))).abandon();
  });
});

describe('the intent’s lease', () => {
  async function* slowly(slices: number): AsyncGenerator<Buffer, void, void> {
    for (let i = 0; i < slices; i += 1) {
      await sleep(20);
      yield Buffer.alloc(120);
    }
  }

  it('is renewed while the client sends slowly, and no more afterwards', async () => {
    const setup = setUp();
    const { intent } = await ingest(setup.options(slowly(10), { leaseMs: 60 }));
    const { renewed } = setup.intents;
    expect(renewed.length).toBeGreaterThanOrEqual(3);
    expect(new Set(renewed)).toEqual(new Set([intent?.id]));
    const count = renewed.length;
    await sleep(60);
    expect(renewed).toHaveLength(count);
  });

  it.each(['finished', 'rolled back'])('has no renewal under way when the upload is %s', async (end) => {
    const setup = setUp();
    let renewing = 0;
    let started = 0;
    setup.intents.renewIntent = async () => {
      renewing += 1;
      started += 1;
      await sleep(80);
      renewing -= 1;
    };
    async function* source(): AsyncGenerator<Buffer, void, void> {
      yield Buffer.alloc(120);
      while (renewing === 0) await sleep(1);
      if (end === 'rolled back') throw new Error('short body');
    }
    const outcome = await ingest(setup.options(source(), { leaseMs: 30 })).then(
      () => 'finished',
      () => 'rolled back',
    );
    expect(outcome).toBe(end);
    expect(renewing).toBe(0);
    expect(started).toBeGreaterThan(0);
  });

  it('ends the upload when it has lapsed', async () => {
    const setup = setUp();
    setup.intents.failRenew = new StoreError('closed', 'notApplied', 'the intent lapsed');
    await expect(ingest(setup.options(slowly(100), { leaseMs: 60 }))).rejects.toBe(setup.intents.failRenew);
    await expectNothingLeft(setup);
  });

  it('survives a renewal that got no answer, and ends when it cannot be sure any more', async () => {
    const setup = setUp();
    const timeout = new StoreError('timeout', 'unknown', 'no answer');
    setup.intents.failRenew = timeout;
    const heal = setTimeout(() => (setup.intents.failRenew = null), 100);
    expect((await ingest(setup.options(slowly(10), { leaseMs: 240 }))).sizeBytes).toBe(1200);
    clearTimeout(heal);

    setup.intents.failRenew = timeout;
    const startMs = performance.now();
    await expect(ingest(setup.options(slowly(100), { leaseMs: 240 }))).rejects.toBe(timeout);
    expect(performance.now() - startMs).toBeGreaterThan(160);
    expect(setup.blobs.blobs.size).toBe(1);
  });
});
