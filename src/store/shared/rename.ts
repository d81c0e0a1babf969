/** What a rename makes of the source, on both stores: pure. */
import { StoreError } from '../errors.js';
import type { KeyChange, KeyState, RenameChange } from '../types.js';

/** The half of the change that takes the source's newest version away, or puts a delete marker above it. */
export function sourceChange(
  { latest, nullVersion }: KeyState,
  { marker, isNull }: Pick<RenameChange, 'marker' | 'isNull'>,
): KeyChange {
  if (latest === null) throw new StoreError('internal', 'notApplied', 'a rename of a key without versions');
  if (marker === null) return { remove: [latest] };
  return {
    put: { draft: marker, isNull },
    ...(isNull && nullVersion !== null ? { remove: [nullVersion] } : {}),
  };
}
