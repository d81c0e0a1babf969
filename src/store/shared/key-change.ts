/** What a decided change makes of a key: pure, so that both stores commit exactly the same thing. */
import { StoreError } from '../errors.js';
import type { BlobRef, KeyChange, KeyState, ObjectData, ObjectVersion, VersionSelector } from '../types.js';
import { makeVersionId, nextSeq, seqOfVersionId } from '../versions.js';

export type BlobName = Pick<BlobRef, 'inode' | 'storageClass'>;

export interface AppliedChange {
  /** The key's clock after the commit; also the seq of `put`, unless it was placed. */
  readonly seq: number;
  /** The new newest version. */
  readonly put: ObjectVersion | null;
  /** A new version below the newest. */
  readonly below: ObjectVersion | null;
  /** A version that stays, with other attributes. Inline bytes null: those that are stored stay. */
  readonly replace: ObjectVersion | null;
  /** The version, put, placed or moved, whose blobs were written for this commit. */
  readonly placed: ObjectVersion | null;
  /** Versions whose rows go, each once; includes the null version that a put with isNull supersedes. */
  readonly removed: readonly ObjectVersion[];
  /** Blobs of removed and moved versions that no version known from the state references any more. Candidates: unreferenced() decides. */
  readonly garbageBlobs: readonly BlobName[];
  /** The newest version after the commit, null when the key has none left. */
  readonly newLatest: ObjectVersion | null;
}

/**
 * floorSeq: a clock besides the key's own that the new seq must exceed too.
 * @throws StoreError internal, notApplied: the change names versions it must not (a bug of the caller)
 */
export function applyChange(state: KeyState, change: KeyChange, nowMs: number, floorSeq = 0): AppliedChange {
  if (change.place !== undefined) return applyPlace(state, change.place, nextSeq(Math.max(state.seq, floorSeq), nowMs));
  const seq = nextSeq(Math.max(state.seq, floorSeq), nowMs);
  const put =
    change.put === undefined
      ? null
      : { ...change.put.draft, versionId: change.put.isNull ? 'null' : makeVersionId(seq), seq };

  const removed = new Map<number, ObjectVersion>();
  for (const version of change.remove ?? []) removed.set(version.seq, version);
  if (put?.versionId === 'null' && state.nullVersion !== null) removed.set(state.nullVersion.seq, state.nullVersion);

  const replace = change.replace ?? null;
  if (replace !== null) {
    if (removed.has(replace.seq)) throw misuse('replaces and removes the same version');
    checkReplace(known(state).get(replace.seq), replace, change.moved === true);
  }

  const survivors = known(state);
  for (const gone of removed.keys()) survivors.delete(gone);
  if (replace !== null) survivors.set(replace.seq, replace);
  if (put !== null) survivors.set(put.seq, put);

  const moved = replace !== null && change.moved === true ? replace : null;
  const left = moved === null ? [] : [known(state).get(moved.seq)].filter((version) => version !== undefined);
  return {
    seq,
    put,
    below: null,
    replace,
    placed: put ?? moved,
    removed: [...removed.values()],
    garbageBlobs: unreferencedBlobs(
      [...removed.values(), ...left].flatMap((version) => blobsOf(version.data)),
      [...survivors.values()],
    ),
    newLatest: put ?? latestAfter(state, removed, survivors),
  };
}

/** clock: above all that the key has had */
function applyPlace(state: KeyState, place: NonNullable<KeyChange['place']>, clock: number): AppliedChange {
  const { draft, versionId } = place;
  const seq = seqOfVersionId(versionId);
  if (seq === null) throw misuse('places a version whose id tells no seq');
  if (state.selected !== null || state.taken === true || known(state).has(seq))
    throw misuse('places a version where there is one');
  const version = { ...draft, versionId, seq };
  const newest = state.latest === null || state.latest.seq < seq;
  return {
    seq: Math.max(clock, seq),
    put: newest ? version : null,
    below: newest ? null : version,
    replace: null,
    placed: version,
    removed: [],
    garbageBlobs: [],
    newLatest: newest ? version : state.latest,
  };
}

/** The versions that a state holds, by seq. */
function known(state: KeyState): Map<number, ObjectVersion> {
  const versions = new Map<number, ObjectVersion>();
  for (const version of [state.latest, state.previous, state.nullVersion, state.selected]) {
    if (version !== null) versions.set(version.seq, version);
  }
  return versions;
}

function latestAfter(
  state: KeyState,
  removed: ReadonlyMap<number, ObjectVersion>,
  survivors: ReadonlyMap<number, ObjectVersion>,
): ObjectVersion | null {
  for (const version of [state.latest, state.previous]) {
    if (version === null) return null;
    const survivor = survivors.get(version.seq);
    if (survivor !== undefined && !removed.has(version.seq)) return survivor;
  }
  throw misuse('removes both of the newest two versions: what is below them is not known');
}

function checkReplace(before: ObjectVersion | undefined, after: ObjectVersion, moved: boolean): void {
  if (before === undefined) throw misuse('replaces a version that is not in the state');
  const sameBlobs = inodesOf(before) === inodesOf(after);
  const same = before.versionId === after.versionId && before.data.kind === after.data.kind;
  if (!same || (!sameBlobs && !moved)) throw misuse('replaces a version by one of another id or other data');
}

function inodesOf({ data }: ObjectVersion): string {
  return blobsOf(data)
    .map((blob) => blob.inode)
    .join();
}

function misuse(what: string): StoreError {
  return new StoreError('internal', 'notApplied', `a change ${what}`);
}

export function blobsOf(data: ObjectData): readonly BlobRef[] {
  return data.kind === 'blobs' ? data.blobs : [];
}

/** Those of the blobs, each once, that none of the versions references. */
export function unreferencedBlobs(
  blobs: readonly BlobName[],
  versions: readonly Pick<ObjectVersion, 'data'>[],
): BlobName[] {
  if (blobs.length === 0) return [];
  const seen = new Set<string>();
  for (const version of versions) for (const blob of blobsOf(version.data)) seen.add(blob.inode);
  const left: BlobName[] = [];
  for (const { inode, storageClass } of blobs) {
    if (seen.has(inode)) continue;
    seen.add(inode);
    left.push({ inode, storageClass });
  }
  return left;
}

/** Whether the version is the one that the selector names, given whether it is the newest. */
export function isSelected(version: ObjectVersion, select: VersionSelector, newest: boolean): boolean {
  return select === 'latest' ? newest : version.versionId === select.versionId;
}
