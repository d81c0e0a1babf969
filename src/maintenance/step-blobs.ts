/**
 * Steps that find orphans. The blobs that are stored are noted first, then all that refers to blobs: a blob that comes meanwhile is not
 * among the noted ones. What is noted and not referred to is a candidate; references are gathered once more, and what is a candidate
 * still is an orphan: a rename can carry a reference past one scan, and whoever it may have carried it to is asked at last.
 */
import type { StoredBlob } from '../store/audit.js';
import { differences } from './compare.js';
import { inodeOf, blobId, regionsOf, WIDTH } from './fsck-context.js';
import type { FsckContext, Step, StepPage } from './fsck-context.js';
import { hashOf, PARTS } from './spill.js';
import { inParallel } from './throttle.js';

const PAYLOAD_BYTES = 4;
/** Orphans that are handed over together. */
const TOGETHER = 500;
/** 8 MiB of memory. */
const BITS = 26;

export function inventoryStep(context: FsckContext, place: number): Step {
  const { work, audit, options, throttle } = context;
  const found = audit.places[place];
  if (found === undefined) throw new RangeError(`there is no place ${place}`);
  return {
    label: `blobs in ${found.name}`,
    run: async function* (cursor): AsyncGenerator<StepPage> {
      for await (const page of found.blobs({ cursor, signal: options.signal })) {
        await throttle.take(page.items.length);
        for (const { inode, strayBlock } of page.items) {
          if (strayBlock === null) work.count({ blobs: 1 });
          addBlob(context, 'blobs', place, { inode, strayBlock });
        }
        yield page;
      }
    },
  };
}

export function compareBlobsStep(context: FsckContext): Step {
  const { work } = context;
  return {
    label: 'blobs against references',
    run: async function* (cursor): AsyncGenerator<StepPage> {
      for (let part = cursor === null ? 0 : Number(cursor) + 1; part < PARTS; part++) {
        // The blocks of a blob are noted besides its inode: they are one.
        const found = new Map<string, Candidate>();
        for await (const candidate of unreferredIn(context, part, 'references', 'blobs')) {
          const name = `${candidate.place}/${candidate.inode}`;
          const strayBlock = Math.max(candidate.strayBlock ?? -1, found.get(name)?.strayBlock ?? -1);
          found.set(name, { ...candidate, strayBlock: strayBlock < 0 ? null : strayBlock });
        }
        for (const candidate of found.values()) {
          if ((await ageOf(context, candidate)) !== null) addBlob(context, 'candidates', candidate.place, candidate);
        }
        await work.relieve();
        yield { cursor: String(part), fraction: (part + 1) / PARTS };
      }
    },
  };
}

export function orphansStep(context: FsckContext): Step {
  const { work, options, audit } = context;
  return {
    label: 'orphans',
    run: async function* (cursor): AsyncGenerator<StepPage> {
      for (let part = cursor === null ? 0 : Number(cursor) + 1; part < PARTS; part++) {
        let batch: Candidate[] = [];
        for await (const candidate of unreferredIn(context, part, 'again', 'candidates')) {
          if ((await ageOf(context, candidate)) === null || (await isHeld(context, candidate))) continue;
          batch.push(candidate);
          if (batch.length < TOGETHER) continue;
          await settle(batch);
          batch = [];
        }
        await settle(batch);
        yield { cursor: String(part), fraction: (part + 1) / PARTS };
      }
    },
  };

  async function settle(batch: readonly Candidate[]): Promise<void> {
    if (options.repair) await handOver(context, batch);
    for (const candidate of batch) {
      const { place, inode } = candidate;
      const blob = await audit.places[place]?.find(candidate);
      const writtenMs = blob?.writtenMs ?? null;
      const writtenAt = writtenMs === null ? null : new Date(writtenMs).toISOString();
      work.count({ orphans: 1 });
      await work.report({
        kind: 'orphan',
        what: options.repair ? 'nothing refers to it; the sweeper removes it after the grace' : 'nothing refers to it',
        repaired: options.repair,
        inode,
        place: audit.places[place]?.name ?? '',
        writtenAt,
      });
    }
  }
}

interface Candidate extends Pick<StoredBlob, 'inode' | 'strayBlock'> {
  readonly place: number;
}

function addBlob(
  { work }: FsckContext,
  heap: 'blobs' | 'candidates',
  place: number,
  { inode, strayBlock }: Pick<StoredBlob, 'inode' | 'strayBlock'>,
): void {
  const id = blobId(place, inode);
  const payload = Buffer.allocUnsafe(PAYLOAD_BYTES);
  payload.writeInt32BE(strayBlock ?? -1);
  work.heaps[heap].add({ hash: hashOf(id), id, payload });
}

async function* unreferredIn(
  { work }: FsckContext,
  part: number,
  references: 'references' | 'again',
  blobs: 'blobs' | 'candidates',
): AsyncGenerator<Candidate> {
  const heaps = { left: work.heaps[references], right: work.heaps[blobs] };
  for await (const { id, left, right } of differences({ ...heaps, part, leftOnly: false })) {
    if (left !== null || right === null) continue;
    const strayBlock = right.readInt32BE(0);
    yield { ...inodeOf(id), strayBlock: strayBlock < 0 ? null : strayBlock };
  }
}

/** null: it is gone by now, or too young. */
async function ageOf(
  { audit, options, work, throttle }: FsckContext,
  candidate: Candidate,
): Promise<StoredBlob | null> {
  await throttle.take(1);
  const blob = (await audit.places[candidate.place]?.find(candidate)) ?? null;
  if (blob === null) return null;
  if (blob.writtenMs !== null && options.now() - blob.writtenMs < options.minAgeMs) {
    work.count({ youngBlobs: 1 });
    return null;
  }
  return blob;
}

/** Whether a key that a rename may have carried the blob to refers to it. The record does not say of which bucket. */
async function isHeld(context: FsckContext, { place, inode }: Candidate): Promise<boolean> {
  const { audit, buckets, throttle } = context;
  const serves = new Set(audit.places[place]?.serves.map(([region]) => region));
  let held = false;
  for (const parts of regionsOf(context).filter(({ region }) => serves.has(region.name))) {
    const keys = await parts.audit.holdersOf(inode);
    if (keys.length === 0) continue;
    await buckets.refresh();
    const own = [...buckets.all()].filter(({ region }) => region === parts.region.name);
    const pairs = own.flatMap((bucket) => keys.map((key) => ({ bucket, key })));
    await inParallel(pairs, WIDTH, async ({ bucket, key }) => {
      if (held) return;
      await throttle.take(1);
      if (await parts.audit.refersTo(bucket, key, inode)) held = true;
    });
  }
  return held;
}

async function handOver(context: FsckContext, orphans: readonly Candidate[]): Promise<void> {
  const { audit } = context;
  for (const [at, place] of audit.places.entries()) {
    const own = orphans.filter((orphan) => orphan.place === at);
    const [region, storageClass] = place.serves[0] ?? [];
    const regionAudit = region === undefined ? undefined : audit.regions.get(region);
    if (own.length === 0 || regionAudit === undefined || storageClass === undefined) continue;
    for (const orphan of own) {
      const blob = await place.find(orphan);
      if (blob !== null) await place.prepareDeletion(blob);
    }
    await regionAudit.queueOrphans(own.map(({ inode }) => ({ inode, storageClass })));
  }
}

/** Which of the ids the candidates may be, in little memory whatever their number. */
export class CandidateFilter {
  readonly #bits = new Uint8Array(2 ** (BITS - 3));
  #count = 0;

  async load({ work }: FsckContext): Promise<void> {
    this.#count = 0;
    for (let part = 0; part < PARTS; part++) {
      for await (const { hash } of work.heaps.candidates.read(part)) {
        const bit = bitOf(hash);
        this.#bits[bit >>> 3] = (this.#bits[bit >>> 3] ?? 0) | (1 << (bit & 7));
        this.#count += 1;
      }
    }
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  mayHave(id: Buffer): boolean {
    const bit = bitOf(hashOf(id));
    return ((this.#bits[bit >>> 3] ?? 0) & (1 << (bit & 7))) !== 0;
  }
}

function bitOf(hash: Buffer): number {
  return hash.readUInt32BE(0) >>> (32 - BITS);
}
