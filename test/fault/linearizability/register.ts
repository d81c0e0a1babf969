/**
 * Does the history of one key keep what quorum buckets promise (docs/consistency.md), with one writer at a time? A regular register: a
 * read answers the last write that was acknowledged before it began, or one that came after that. A write of unknown outcome may
 * take effect at any time after its call, or never, or for some readers only until it is called off: a read may answer it at any time, and need not.
 */
import type { Operation } from './history.js';

export type RegularVerdict =
  | { readonly kind: 'regular'; readonly configurations: 0 }
  | {
      readonly kind: 'violation';
      readonly reason: string;
      readonly stuck: readonly Operation[];
      readonly configurations: 0;
    };

/** @throws TypeError when the history is not one of unconditional writes, one at a time */
export function checkRegular(operations: readonly Operation[]): RegularVerdict {
  const writes = writesOf(operations);
  for (const read of operations) {
    if (read.action.kind !== 'read' || read.outcome.kind !== 'value') continue;
    const reason = faultOf(read, read.outcome.etag, writes);
    if (reason !== null) return { kind: 'violation', reason, stuck: [read], configurations: 0 };
  }
  return { kind: 'regular', configurations: 0 };
}

/** In order. */
function writesOf(operations: readonly Operation[]): readonly Operation[] {
  const writes = operations.filter(({ action }) => action.kind !== 'read').sort((a, b) => a.callMs - b.callMs);
  let before: Operation | null = null;
  for (const write of writes) {
    const { action, outcome } = write;
    const plain = action.kind !== 'read' && action.condition.kind === 'none';
    if (!plain || outcome.kind === 'refused') throw new TypeError(`operation ${write.id} is no unconditional write`);
    if (before !== null && before.returnMs > write.callMs)
      throw new TypeError(`operations ${before.id} and ${write.id} write the key at the same time`);
    before = write;
  }
  return writes;
}

/** etag: what was read, null: nothing */
function faultOf(read: Operation, etag: string | null, writes: readonly Operation[]): string | null {
  const begun = writes.filter(({ callMs }) => callMs <= read.returnMs);
  const last = begun.findLastIndex(({ outcome, returnMs }) => outcome.kind === 'done' && returnMs < read.callMs);
  const isRead = ({ action }: Operation): boolean => (action.kind === 'write' ? action.etag : null) === etag;
  if (last === -1 && etag === null) return null;
  const allowed = begun.filter(({ outcome }, index) => index >= last || outcome.kind === 'unknown');
  if (allowed.some(isRead)) return null;
  const what = etag === null ? 'nothing' : 'a content';
  if (last === -1) return `it returned ${what} that nobody had begun to write`;
  const older = begun.slice(0, last).some(isRead);
  return older || etag === null
    ? `it returned ${what} that an acknowledged write had taken the place of`
    : `it returned ${what} that nobody had begun to write`;
}
