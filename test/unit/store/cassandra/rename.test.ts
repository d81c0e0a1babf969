/**
 * Renames whose gateway dies, or whose writes come late, at every single one of their conditional writes: whoever comes next finds
 * the object under one key, and nothing that comes later changes that. The keys behave as partitions under Paxos do.
 */
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Committer } from '../../../../src/store/cassandra/committer.js';
import { extendTrail, fateOf } from '../../../../src/store/cassandra/commit-trail.js';
import type { Head, HeadTable } from '../../../../src/store/cassandra/head-table.js';
import { markOf } from '../../../../src/store/cassandra/move-mark.js';
import { Moves } from '../../../../src/store/cassandra/moves.js';
import type { CassandraOutbox } from '../../../../src/store/cassandra/outbox.js';
import { NO_HOLD } from '../../../../src/store/cassandra/quota-holds.js';
import { Renamer } from '../../../../src/store/cassandra/rename.js';
import { StoreError } from '../../../../src/store/errors.js';
import type { AppliedChange } from '../../../../src/store/shared/key-change.js';
import type { BucketRef, KeyState, ObjectVersion, VersionDraft } from '../../../../src/store/types.js';
import { DRAFT } from './heads.js';

const BUCKET: BucketRef = { name: 'b', instance: randomUUID(), region: 'r' };
const MARKER: VersionDraft = { ...DRAFT, deleteMarker: true, etag: '', data: { kind: 'none' } };

/** One key: its versions, changed by compare-and-set on its clock. */
class Partition {
  clock: number | null = null;
  trail = Buffer.alloc(0) as Buffer;
  versions: ObjectVersion[] = [];

  head(): Head {
    const versions = [...this.versions].sort((a, b) => b.seq - a.seq);
    const latest = versions[0] ?? null;
    const nullVersion = versions.find(({ versionId }) => versionId === 'null') ?? null;
    const state: KeyState = {
      seq: this.clock ?? 0,
      latest,
      previous: versions[1] ?? null,
      nullVersion,
      selected: latest,
    };
    return { state, clock: this.clock, trail: this.trail, versioned: false, readAtMs: performance.now() };
  }

  set(expected: number | null, token: Buffer, clock: number, applied: AppliedChange | null): boolean {
    if (this.clock !== expected) return false;
    this.trail = extendTrail(token, this.trail);
    this.clock = clock;
    if (applied === null) return true;
    const gone = new Set([...applied.removed, applied.replace].map((version) => version?.seq));
    this.versions = [...this.versions.filter(({ seq }) => !gone.has(seq)), applied.put, applied.replace].filter(
      (version) => version !== null,
    );
    return true;
  }
}

type Fault = 'none' | 'diesBefore' | 'diesAfter' | 'comesLate';

class World {
  readonly partitions = new Map<string, Partition>();
  readonly late: (() => void)[] = [];
  readonly told: string[] = [];
  readonly unsettled: (() => void)[] = [];
  /** rows of blob_holder: "inode key" */
  readonly holders = new Set<string>();

  partition(key: string): Partition {
    const found = this.partitions.get(key) ?? new Partition();
    this.partitions.set(key, found);
    return found;
  }

  /** A gateway with a fault at its n-th conditional write; after it the gateway is dead. */
  gateway(fault: Fault = 'none', at = 0): Gateway {
    return new Gateway(this, fault, at);
  }

  keysWith(etag: string): string[] {
    return [...this.partitions]
      .filter(([, partition]) => partition.head().state.latest?.etag === etag)
      .map(([key]) => key)
      .sort();
  }
}

class Gateway {
  readonly committer: Committer;
  readonly renamer: Renamer;
  readonly moves: Moves;
  writes = 0;
  #dead = false;

  constructor(world: World, fault: Fault, at: number) {
    const cas = (write: () => boolean): boolean => {
      this.#check();
      this.writes += 1;
      if (fault === 'none' || this.writes !== at) return write();
      this.#dead = true;
      if (fault === 'diesAfter') write();
      if (fault === 'comesLate') world.late.push(write);
      throw new StoreError('timeout', 'unknown', 'the answer was lost');
    };
    const heads: Pick<HeadTable, 'load' | 'write' | 'fence'> = {
      load: async (_bucket, key) => {
        await Promise.resolve();
        this.#check();
        return world.partition(key).head();
      },
      write: async (_bucket, key, head, { applied, token }) =>
        cas(() => world.partition(key).set(head.clock, token, applied.seq, applied)),
      fence: async (_bucket, key, head, { clock, token }) =>
        cas(() => world.partition(key).set(head.clock, token, clock, null)),
    };
    const intents = {
      announce: () => ({ durable: Promise.resolve(), done: () => undefined }),
      announceGarbage: async () => [],
      cancelGarbage: () => undefined,
      use: () => undefined,
      close: () => undefined,
    };
    const index = { apply: async () => undefined, repair: async () => undefined };
    const options = { now: Date.now, commitDeadlineMs: 5_000 };
    const outbox: Pick<CassandraOutbox, 'announce'> = {
      announce: async ({ drafts, token, base, key }) => {
        const tell = (what: string) => () => {
          for (const { body } of drafts) world.told.push(`${body} ${what}`);
        };
        // What its own gateway does not find out the key's trail tells.
        const lost = () => {
          world.unsettled.push(() => {
            tell(fateOf(token, base, world.partition(key).trail) === 'applied' ? 'made' : 'cancelled')();
          });
        };
        return { made: tell('made'), cancel: tell('cancelled'), lost };
      },
    };
    const completions = { check: async () => undefined, settle: async () => undefined };
    this.moves = new Moves({
      heads,
      index,
      intents,
      outbox,
      completions,
      guard: { countedFor: async () => null },
      quotas: { take: async () => NO_HOLD },
      options,
      patienceMs: 0,
    });
    this.committer = new Committer({
      heads,
      index,
      intents,
      guard: {
        enter: async (bucket) => ({ bucket, countedFor: null, lookedAtMs: 0 }),
        confirm: async () => undefined,
        isUncounted: async () => true,
      },
      quotas: { take: async () => NO_HOLD },
      limit: { check: async (_bucket, _key, head) => head },
      outbox,
      moves: this.moves,
      completions,
      options,
    });
    this.renamer = new Renamer({
      committer: this.committer,
      heads,
      moves: this.moves,
      holders: {
        add: async (blobs, keys) => {
          this.#check();
          for (const { inode } of blobs) for (const key of keys) world.holders.add(`${inode} ${key}`);
        },
      },
      intents,
      options,
    });
  }

  #check(): void {
    if (this.#dead) throw new Error('this gateway is dead');
  }

  async put(key: string, etag: string): Promise<void> {
    const draft = { ...DRAFT, etag, data: { kind: 'blobs', blobs: [blobOf(etag)] } } as const;
    await this.committer.commit({
      bucket: BUCKET,
      key,
      select: 'latest',
      decide: () => ({ put: { draft, isNull: true } }),
    });
  }

  /** Looks at a key as a commit does, and changes its tags where there is an object. */
  async touch(key: string): Promise<ObjectVersion | null> {
    const { version } = await this.committer.commit({
      bucket: BUCKET,
      key,
      select: 'latest',
      decide: ({ latest }) => (latest === null ? null : { replace: { ...latest, tags: { touched: 'yes' } } }),
    });
    return version;
  }

  async rename(from: string, to: string, marker: VersionDraft | null = null): Promise<boolean> {
    const { changed } = await this.renamer.rename({
      bucket: BUCKET,
      from,
      to,
      decide: ({ latest }) =>
        latest === null || latest.deleteMarker ? null : { draft: latest, isNull: marker === null, marker },
      sourceEvents: ({ before, version }) => [
        { queue: 'q', body: `${before.latest?.etag ?? ''} left for ${version?.versionId ?? 'nothing'}` },
      ],
    });
    return changed;
  }
}

function blobOf(etag: string) {
  return { inode: etag, storageClass: 'STANDARD', sizeBytes: 5, chunkSizeBytes: 1024 };
}

const FAULTS: readonly Fault[] = ['diesBefore', 'diesAfter', 'comesLate'];
/** Keys that the next gateway changes, in this order, before late writes come. */
const VISITS: readonly (readonly string[])[] = [['from', 'to'], ['to', 'from'], ['from'], ['to']];

describe('a rename', () => {
  it('takes three conditional writes, and leaves a trace that costs the next change none', async () => {
    const world = new World();
    const gateway = world.gateway();
    await gateway.put('from', 'x');
    gateway.writes = 0;
    expect(await gateway.rename('from', 'to')).toBe(true);
    expect(gateway.writes).toBe(3);
    expect(world.keysWith('x')).toEqual(['to']);
    expect([...world.holders].sort()).toEqual(['x from', 'x to']);
    gateway.writes = 0;
    const touched = await gateway.touch('to');
    expect(gateway.writes).toBe(1);
    expect(touched?.extra).toEqual({});
  });

  for (const marker of [null, MARKER])
    for (const fault of FAULTS)
      for (const visits of VISITS)
        for (const at of [1, 2, 3])
          it(`${marker === null ? 'moves' : 'leaves a marker'}: ${fault} at write ${at}, then ${visits.join(' and ')}`, async () => {
            const world = new World();
            await world.gateway().put('from', 'x');
            await world.gateway().put('to', 'old');
            await expect(world.gateway(fault, at).rename('from', 'to', marker)).rejects.toThrow();
            // An object is never nowhere, whatever has happened yet.
            expect(world.keysWith('x')).not.toEqual([]);

            const next = world.gateway();
            for (const key of visits) await next.touch(key);
            const made = at > 2 || (at === 2 && fault === 'diesAfter');
            const places = made ? ['to'] : ['from'];
            expect(world.keysWith('x')).toEqual(places);
            expect(world.keysWith('old')).toEqual(made ? [] : ['to']);
            for (const write of world.late) write();
            for (const key of [...visits, 'from', 'to']) await next.touch(key);
            expect(world.keysWith('x')).toEqual(places);
            for (const [, { versions }] of world.partitions)
              for (const version of versions) expect(markOf(version)?.role).not.toBe('leaving');
            // What left is told of once, whoever made an end of it.
            for (const settle of world.unsettled) settle();
            const end = world.partition('from').head().state.latest;
            const told = `x left for ${end?.versionId ?? 'nothing'} made`;
            expect(world.told.filter((event) => event.endsWith(' made'))).toEqual(made ? [told] : []);
            world.told.length = 0;
            // And it can be done again.
            if (!made) expect(await next.rename('from', 'to', marker)).toBe(true);
            expect(world.keysWith('x')).toEqual(['to']);
            const left = world.partition('from').head().state;
            expect(left.latest?.deleteMarker ?? null).toBe(marker === null ? null : true);
          });

  it('is finished by the sweeper where nobody comes', async () => {
    for (const at of [2, 3]) {
      const world = new World();
      await world.gateway().put('from', 'x');
      await expect(world.gateway('diesAfter', at).rename('from', 'to')).rejects.toThrow();
      const { moves } = world.gateway();
      await moves.settle(BUCKET, 'from', world.partition('from').head());
      expect(world.keysWith('x')).toEqual(['to']);
      expect(world.partition('from').versions).toEqual([]);
    }
  });

  it('is begun again when the target changes under it', async () => {
    const world = new World();
    await world.gateway().put('from', 'x');
    const gateway = world.gateway();
    let decisions = 0;
    await gateway.renamer.rename({
      bucket: BUCKET,
      from: 'from',
      to: 'to',
      decide: ({ latest }, target) => {
        decisions += 1;
        // Another gateway writes the target after it was looked at.
        if (decisions === 1) world.partition('to').set(null, Buffer.alloc(8, 1), Date.now() * 1000, null);
        else expect(target.seq).toBeGreaterThan(0);
        return latest === null ? null : { draft: latest, isNull: true, marker: null };
      },
    });
    expect(decisions).toBe(2);
    expect(world.keysWith('x')).toEqual(['to']);
  });

  it('takes its mark back when it is refused on the way', async () => {
    const world = new World();
    const gateway = world.gateway();
    await gateway.put('from', 'x');
    let decisions = 0;
    const refused = gateway.renamer.rename({
      bucket: BUCKET,
      from: 'from',
      to: 'to',
      decide: ({ latest }) => {
        decisions += 1;
        if (decisions === 2) throw new Error('there is something now');
        world.partition('to').set(null, Buffer.alloc(8, 1), Date.now() * 1000, null);
        return latest === null ? null : { draft: latest, isNull: true, marker: null };
      },
    });
    await expect(refused).rejects.toThrow('there is something now');
    expect(world.keysWith('x')).toEqual(['from']);
    expect(markOf(world.partition('from').head().state.latest)).toBeNull();
  });
});
