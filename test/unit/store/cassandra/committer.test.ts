/**
 * The commit loop against a key that behaves as a partition under Paxos does, with answers that get lost: a write whose
 * answer is lost was applied, was not, or is applied later. The same runs on a real Cassandra in the contract suite, where
 * answers do not get lost on demand.
 */
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Committer } from '../../../../src/store/cassandra/committer.js';
import type { CommitterParts } from '../../../../src/store/cassandra/committer.js';
import { extendTrail, fateOf } from '../../../../src/store/cassandra/commit-trail.js';
import { NO_HOLD } from '../../../../src/store/cassandra/quota-holds.js';
import { StoreError } from '../../../../src/store/errors.js';
import type { BucketRef, CommitRequest, ObjectVersion } from '../../../../src/store/types.js';
import { DRAFT } from './heads.js';

const BUCKET: BucketRef = { name: 'b', instance: randomUUID(), region: 'r' };
const LOST = () => new StoreError('timeout', 'unknown', 'the answer was lost');

type Fault = 'none' | 'appliedButLost' | 'neverApplied' | 'appliedLater';

/** One key, changed by compare-and-set on its clock. */
class Register {
  clock: number | null = null;
  trail = Buffer.alloc(0) as Buffer;
  latest: ObjectVersion | null = null;
  readonly late: (() => void)[] = [];
  readonly fault: () => Fault;

  constructor(fault: () => Fault) {
    this.fault = fault;
  }

  /** Runs a write as the fault says. */
  attempt(expected: number | null, apply: () => void): boolean {
    const cas = () => {
      if (this.clock !== expected) return false;
      apply();
      return true;
    };
    switch (this.fault()) {
      case 'none':
        return cas();
      case 'appliedButLost':
        cas();
        throw LOST();
      case 'neverApplied':
        throw LOST();
      case 'appliedLater':
        this.late.push(cas);
        throw LOST();
    }
  }
}

const NO_INDEX = { apply: async () => undefined, repair: async () => undefined };

interface World {
  readonly register: Register;
  readonly committer: Committer;
  readonly log: Log;
}

interface Log {
  readonly indexed: number[];
  garbage: number;
  cancelled: number;
  open: number;
  /** what became of events: id, and made or cancelled */
  readonly told: string[];
  /** events whose fate nobody has told */
  readonly lost: { readonly id: string; readonly token: Buffer; readonly base: Buffer }[];
}

function world(fault: () => Fault, overrides: Partial<CommitterParts> = {}, register = new Register(fault)): World {
  const log: Log = { indexed: [], garbage: 0, cancelled: 0, open: 0, told: [], lost: [] };
  const heads: CommitterParts['heads'] = {
    load: async () => {
      await Promise.resolve();
      // Late writes come in at any time.
      if (register.late.length > 0 && register.fault() !== 'none') register.late.shift()?.();
      const { latest, clock, trail } = register;
      const state = { seq: clock ?? 0, latest, previous: null, nullVersion: latest, selected: latest };
      return { state, clock, trail, versioned: false, readAtMs: performance.now() };
    },
    write: async (_bucket, _key, head, { applied, token }) =>
      register.attempt(head.clock, () => {
        register.clock = applied.seq;
        register.trail = extendTrail(token, head.trail);
        register.latest = applied.newLatest;
      }),
    fence: async (_bucket, _key, head, { clock, token }) =>
      register.attempt(head.clock, () => {
        register.clock = clock;
        register.trail = extendTrail(token, head.trail);
      }),
  };
  const parts: CommitterParts = {
    heads,
    index: { apply: async (_bucket, _key, plan) => void log.indexed.push(plan.clock), repair: async () => undefined },
    intents: {
      announce: () => {
        log.open += 1;
        return { durable: Promise.resolve(), done: () => void (log.open -= 1) };
      },
      announceGarbage: async (_bucket, _key, blobs) => {
        log.garbage += blobs.length;
        return [];
      },
      cancelGarbage: () => void (log.cancelled += 1),
      use: () => undefined,
      close: () => undefined,
    },
    outbox: {
      announce: async ({ drafts, token, base }) => {
        const tell = (what: string) => () => {
          for (const { body } of drafts) log.told.push(`${body} ${what}`);
        };
        const lost = () => {
          for (const { body } of drafts) log.lost.push({ id: body, token, base });
        };
        return { made: tell('made'), cancel: tell('cancelled'), lost };
      },
    },
    moves: { settle: async () => false },
    limit: { check: async (_bucket, _key, head) => head },
    completions: { check: async () => undefined, settle: async () => undefined },
    guard: {
      enter: async (bucket) => ({ bucket, countedFor: null, lookedAtMs: 0 }),
      confirm: async () => undefined,
      isUncounted: async () => true,
    },
    quotas: { take: async () => NO_HOLD },
    options: { now: Date.now, commitDeadlineMs: 5_000 },
    ...overrides,
  };
  return { register, committer: new Committer(parts), log };
}

/** Appends an id to the list that the object holds. */
function append(id: number): CommitRequest {
  return {
    bucket: BUCKET,
    key: 'k',
    select: 'latest',
    decide: ({ latest }) => ({
      put: { draft: { ...DRAFT, extra: { ids: [...idsOf(latest), id] } }, isNull: true },
    }),
    events: () => [{ queue: 'test', body: String(id) }],
  };
}

function idsOf(version: ObjectVersion | null): number[] {
  return (version?.extra['ids'] as number[] | undefined) ?? [];
}

/** Deterministic numbers in [0, 1). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const outcomeOf = (error: unknown) => (error instanceof StoreError ? `${error.kind} ${error.outcome}` : String(error));

describe('Committer', () => {
  it('commits, indexes with the clock of the change, and closes its announcement', async () => {
    const { committer, register, log } = world(() => 'none');
    const commit = await committer.commit(append(1));
    expect(commit.changed).toBe(true);
    expect(commit.version?.seq).toBe(register.clock);
    expect(log).toMatchObject({ indexed: [register.clock], open: 0, told: ['1 made'], lost: [] });
  });

  it.each(['appliedButLost', 'neverApplied'] as const)(
    'finds out about an answer that was lost (%s)',
    async (fault) => {
      const faults: Fault[] = [fault];
      const { committer, register, log } = world(() => faults.shift() ?? 'none');
      const commit = await committer.commit(append(1));
      expect(idsOf(register.latest)).toEqual([1]);
      expect(commit.version).toEqual(register.latest);
      expect(log.open).toBe(0);
      expect(log.told.filter((what) => what === '1 made')).toHaveLength(1);
      expect(log.lost).toEqual([]);
    },
  );

  it('makes every acknowledged change exactly once, and none that it refused, whatever gets lost', async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const next = random(seed);
      const fault = (): Fault => {
        const roll = next();
        return roll < 0.12 ? 'appliedButLost' : roll < 0.24 ? 'neverApplied' : roll < 0.36 ? 'appliedLater' : 'none';
      };
      const first = world(fault);
      // Gateways that share nothing but the key.
      const gateways = [first, world(fault, {}, first.register), world(fault, {}, first.register)];
      const acknowledged: number[] = [];
      const refused: number[] = [];
      await Promise.all(
        Array.from({ length: 30 }, async (_, id) => {
          const gateway = gateways[id % gateways.length] ?? first;
          try {
            const { version } = await gateway.committer.commit(append(id));
            expect(idsOf(version)).toContain(id);
            acknowledged.push(id);
          } catch (error) {
            if (!(error instanceof StoreError)) throw error;
            if (error.outcome === 'notApplied') refused.push(id);
          }
        }),
      );
      for (const apply of first.register.late.splice(0)) apply();
      const ids = idsOf(first.register.latest);
      expect(new Set(ids).size, `seed ${seed}`).toBe(ids.length);
      for (const id of acknowledged) expect(ids, `seed ${seed}`).toContain(id);
      for (const id of refused) expect(ids, `seed ${seed}`).not.toContain(id);
      expect(acknowledged.length).toBeGreaterThan(0);
      // What is told of: all that was made, once; of what nobody knows, what the trail says.
      const { trail } = first.register;
      const told = gateways.flatMap(({ log }) => log.told.filter((what) => what.endsWith(' made')));
      const settled = gateways.flatMap(({ log }) =>
        log.lost.filter(({ token, base }) => fateOf(token, base, trail) !== 'dead').map(({ id }) => `${id} made`),
      );
      expect(new Set(told).size, `seed ${seed}`).toBe(told.length);
      for (const id of acknowledged) expect(told, `seed ${seed}`).toContain(`${id} made`);
      for (const id of refused) expect([...told, ...settled], `seed ${seed}`).not.toContain(`${id} made`);
      for (const id of ids) expect([...told, ...settled], `seed ${seed}`).toContain(`${id} made`);
    }
  });

  it('does not report a refusal while a write of its own may still come', async () => {
    const faults: Fault[] = ['appliedLater'];
    const { committer, register } = world(() => faults.shift() ?? 'none');
    let calls = 0;
    const request: CommitRequest = {
      ...append(1),
      decide: (state) => {
        calls += 1;
        // As a clock-dependent condition would: it says yes only once.
        if (calls > 1) throw new Error('precondition failed');
        return append(1).decide(state);
      },
    };
    await expect(committer.commit(request)).rejects.toThrow('precondition failed');
    // Fenced off: too late now.
    for (const apply of register.late) apply();
    expect(register.latest).toBeNull();
  });

  it('leaves the announcement open when the outcome stays unknown', async () => {
    const { committer, log } = world(() => 'neverApplied', { options: { now: Date.now, commitDeadlineMs: 60 } });
    expect(await committer.commit(append(1)).catch(outcomeOf)).toBe('timeout unknown');
    expect(log.open).toBe(1);
    expect(log.lost.length).toBeGreaterThan(0);
    expect(log.told).not.toContain('1 made');
  });

  it('gives up under contention without having changed anything', async () => {
    const contended = world(() => 'none', { options: { now: Date.now, commitDeadlineMs: 60 } });
    const { heads } = { heads: { ...partsOf(contended), write: async () => false } };
    const { committer, log } = world(() => 'none', { heads, options: { now: Date.now, commitDeadlineMs: 60 } });
    expect(await committer.commit(append(1)).catch(outcomeOf)).toBe('contention notApplied');
    expect(log.open).toBe(0);
  });

  it('changes nothing when decide says so, and hands its throw on', async () => {
    const { committer, register, log } = world(() => 'none');
    const nothing = await committer.commit({ ...append(1), decide: () => null });
    expect(nothing).toMatchObject({ changed: false, version: null });
    const refusal = new Error('If-Match');
    const refused = committer.commit({
      ...append(1),
      decide: () => {
        throw refusal;
      },
    });
    await expect(refused).rejects.toBe(refusal);
    expect(register.clock).toBeNull();
    expect(log).toMatchObject({ indexed: [], open: 0 });
  });

  it('makes sure that the listings show what it finds done already, before it says so', async () => {
    const { committer, register, log } = world(() => 'none');
    await committer.commit(append(1));
    const died = world(() => 'none', { index: { ...NO_INDEX, apply: () => new Promise(() => undefined) } }, register);
    // Applied, but its gateway is gone before the listings show it: the client asks for the same once more, elsewhere.
    void died.committer.commit({ ...append(1), decide: ({ latest }) => ({ remove: latest === null ? [] : [latest] }) });
    await expect.poll(() => register.latest).toBeNull();
    const again = await committer.commit({ ...append(1), decide: () => null });
    expect(again.changed).toBe(false);
    expect(log.indexed.at(-1)).toBe(register.clock);
  });

  it('calls the outcome unknown when the change is made but cannot be shown', async () => {
    const apply = async () => {
      throw new StoreError('unavailable', 'notApplied', 'no quorum');
    };
    const { committer, register, log } = world(() => 'none', { index: { ...NO_INDEX, apply } });
    expect(await committer.commit(append(1)).catch(outcomeOf)).toBe('unavailable unknown');
    expect(idsOf(register.latest)).toEqual([1]);
    expect(log).toMatchObject({ open: 1, told: ['1 made'] });
  });

  it('does not write under an intent that has lapsed', async () => {
    const plain = world(() => 'none');
    const intents: CommitterParts['intents'] = {
      announce: () => ({ durable: Promise.resolve(), done: () => undefined }),
      announceGarbage: async () => [],
      cancelGarbage: () => undefined,
      use: () => {
        throw new StoreError('closed', 'notApplied', 'lapsed');
      },
      close: () => undefined,
    };
    const { committer, register } = world(() => 'none', { intents }, plain.register);
    const intent = { id: 'i', bucket: BUCKET, key: 'k' };
    expect(await committer.commit({ ...append(1), intent }).catch(outcomeOf)).toBe('closed notApplied');
    expect(register.clock).toBeNull();
  });

  describe('in a bucket that is counted', () => {
    /** refuses: what the n-th attempt to take room throws. */
    function counted(refuses: (attempt: number) => boolean = () => false) {
      const fates: string[] = [];
      const parts: Partial<CommitterParts> = {
        guard: {
          enter: async (bucket) => ({ bucket, countedFor: 'tenant', lookedAtMs: 0 }),
          confirm: async () => undefined,
          isUncounted: async () => false,
        },
        quotas: {
          take: async () => {
            const at = fates.push('open') - 1;
            const set = (fate: string) => void (fates[at] = `${fates[at] === 'open' ? '' : 'again '}${fate}`);
            if (refuses(at)) {
              set('refused');
              throw new StoreError('quotaExceeded', 'notApplied', 'no room');
            }
            return { made: async () => set('made'), cancel: () => set('cancelled'), lost: () => set('lost') };
          },
        },
      };
      return { fates, parts };
    }

    it('counts what is made, once, whatever gets lost', async () => {
      for (let seed = 1; seed <= 20; seed++) {
        const next = random(seed);
        const fault = (): Fault => {
          const roll = next();
          return roll < 0.12 ? 'appliedButLost' : roll < 0.24 ? 'neverApplied' : roll < 0.36 ? 'appliedLater' : 'none';
        };
        const { fates, parts } = counted();
        const { committer, register } = world(fault, parts);
        const ends = await Promise.all(
          Array.from({ length: 20 }, async (_, id) => committer.commit(append(id)).then(() => 'made', outcomeOf)),
        );
        for (const apply of register.late.splice(0)) apply();
        const made = fates.filter((fate) => fate === 'made').length;
        const lost = fates.filter((fate) => fate === 'lost').length;
        const changes = idsOf(register.latest).length;
        expect(made, `seed ${seed}`).toBe(ends.filter((end) => end === 'made').length);
        expect(changes - made, `seed ${seed}`).toBeLessThanOrEqual(lost);
        expect(fates.filter((fate) => !['made', 'lost', 'cancelled'].includes(fate))).toEqual([]);
      }
    });

    it('refuses what there is no room for, and nothing is written', async () => {
      const { fates, parts } = counted(() => true);
      const { committer, register, log } = world(() => 'none', parts);
      expect(await committer.commit(append(1)).catch(outcomeOf)).toBe('quotaExceeded notApplied');
      expect(register.clock).toBeNull();
      expect(fates).toEqual(['refused']);
      expect(log).toMatchObject({ open: 0, told: ['1 cancelled'] });
    });

    it('does not report a refusal while a write of its own may still come, which may have the room it lacks', async () => {
      const faults: Fault[] = ['appliedLater'];
      const { fates, parts } = counted((attempt) => attempt === 1);
      const { committer, register } = world(() => faults.shift() ?? 'none', parts);
      await committer.commit(append(1));
      for (const apply of register.late) apply();
      expect(idsOf(register.latest)).toEqual([1]);
      expect(fates).toEqual(['cancelled', 'refused', 'made']);
    });

    it('leaves what was made and cannot be shown to be settled later', async () => {
      const { fates, parts } = counted();
      const apply = async () => {
        throw new StoreError('unavailable', 'notApplied', 'no quorum');
      };
      const { committer } = world(() => 'none', { ...parts, index: { ...NO_INDEX, apply } });
      expect(await committer.commit(append(1)).catch(outcomeOf)).toBe('unavailable unknown');
      expect(fates).toEqual(['lost']);
    });

    it('does not write uncounted once the look that said so is old', async () => {
      const { fates, parts } = counted();
      let looks = 0;
      const { committer } = world(() => 'none', {
        ...parts,
        guard: {
          enter: async (bucket) => ({ bucket, countedFor: looks++ === 0 ? null : 'tenant', lookedAtMs: 0 }),
          confirm: async () => undefined,
          isUncounted: async () => false,
        },
      });
      await committer.commit(append(1));
      expect(looks).toBe(2);
      expect(fates).toEqual(['made']);
    });
  });
});

/** A key that reads as empty. */
function partsOf({ register }: World): CommitterParts['heads'] {
  const head = {
    state: { seq: 0, latest: null, previous: null, nullVersion: null, selected: null },
    clock: register.clock,
    trail: register.trail,
    versioned: false,
    readAtMs: performance.now(),
  };
  return { load: async () => head, write: async () => true, fence: async () => true };
}
