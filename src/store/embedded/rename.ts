/** A rename on LMDB: both keys change in one transaction. */
import { applyChange } from '../shared/key-change.js';
import type { AppliedChange } from '../shared/key-change.js';
import { sourceChange } from '../shared/rename.js';
import type { KeyRename, KeyState, OutboxDraft, RenameRequest } from '../types.js';
import { checkBucketActive } from './bucket-rows.js';
import type { RegionContext } from './context.js';
import type { Writes } from './database.js';
import * as garbage from './garbage.js';
import { addHolders } from './holders.js';
import { checkVersions, KeyRows } from './key-state.js';
import { chargeQuota } from './quota-rows.js';

export interface RenameParts {
  readonly context: RegionContext;
  readonly writes: Writes;
  /** the greatest seq given out */
  readonly lastSeq: number;
  /** Leaves what a change of the key wants delivered. */
  readonly deliver: (key: string, seq: number, drafts: readonly OutboxDraft[]) => void;
}

/** @returns the result, and the greatest seq given out now */
export function rename(
  { context, writes, lastSeq, deliver }: RenameParts,
  request: RenameRequest,
): { readonly result: KeyRename; readonly lastSeq: number } {
  const { db, tables, now, gcGraceMs, maxVersionsPerKey } = context;
  const { bucket, from, to } = request;
  checkBucketActive(db, bucket);
  const source = new KeyRows(tables, bucket, from);
  const target = new KeyRows(tables, bucket, to);
  const sourceState = source.state('latest', true);
  const targetState = target.state('latest', false);
  const change = request.decide(sourceState, targetState);
  if (change === null) return { result: { changed: false, version: null }, lastSeq };

  const put = { draft: change.draft, isNull: change.isNull };
  const arrived = applyChange(targetState, { put }, now(), lastSeq);
  checkVersions(target, arrived, maxVersionsPerKey);
  const left = applyChange(sourceState, sourceChange(sourceState, change), now(), arrived.seq);
  const half = (
    key: string,
    rows: KeyRows,
    state: KeyState,
    applied: AppliedChange,
    events: RenameRequest['sourceEvents'],
  ) => {
    rows.write(writes, applied);
    garbage.addGarbage(context, writes, {
      bucket,
      key,
      blobs: applied.garbageBlobs,
      notBeforeMs: now() + gcGraceMs,
    });
    const version = applied.put ?? applied.replace;
    deliver(key, applied.seq, events?.({ before: state, version, seq: applied.seq }) ?? []);
  };
  chargeQuota(db, writes, bucket, [
    { key: to, state: targetState, applied: arrived },
    { key: from, state: sourceState, applied: left },
  ]);
  half(to, target, targetState, arrived, request.targetEvents);
  half(from, source, sourceState, left, request.sourceEvents);
  addHolders(context, writes, { data: change.draft.data, keys: [from, to] });
  return { result: { changed: true, version: arrived.put }, lastSeq: left.seq };
}
