/**
 * The durations that the ranges of listings rest on (docs/adr/0004-bounded-partitions.md). Constants in production, not settings:
 * all gateways must agree on them. Only durations are compared, never clocks of two machines.
 */
export interface RangeTimes {
  /** How old a range map may be when a read or write begins with it, ms. */
  readonly cacheMs: number;
  /** A read or write that ends later than this after its map was looked up has to look again. */
  readonly fenceMs: number;
  /** A change that gets into the listings later than this after its key was read is taken from the key again, where it matters. */
  readonly lateMs: number;
}

export const RANGE_TIMES: RangeTimes = { cacheMs: 1_000, fenceMs: 2_000, lateMs: 2_000 };

/** Nobody reads or writes by a map from before now any more, after this many ms; with a fifth for clocks that run unevenly. */
export function oldMapsGoneMs({ fenceMs }: RangeTimes): number {
  return fenceMs * 1.2;
}

/** Nor does anything arrive that was superseded by such a write. */
export function oldWritesGoneMs({ fenceMs, lateMs }: RangeTimes): number {
  return (fenceMs + lateMs) * 1.2;
}
