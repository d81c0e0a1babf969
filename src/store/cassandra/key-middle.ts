/** A key between two keys. Pure. */

const LAST = 0x10ffff;
/** Nearly all keys are ASCII: what lies above is cut off first. */
const ASCII_END = 0x7f;

/**
 * A key greater than low and less than high (null: above all keys), about in the middle as far as that can be told without
 * knowing any; null when there is none to be had.
 */
export function keyBetween(low: string, high: string | null): string | null {
  const lows = Array.from(low, pointOf);
  const highs = high === null ? null : Array.from(high, pointOf);
  let prefix = '';
  let bounded = highs !== null;
  for (let i = 0; i <= lows.length; i++) {
    const below = lows[i] ?? -1;
    const above = bounded ? (highs?.[i] ?? -1) : LAST + 1;
    const middle = pointBetween(below, above);
    if (middle !== null) return prefix + String.fromCodePoint(middle);
    // The border between neighbouring characters, unless it is high itself.
    if (bounded && above > below && (highs?.length ?? 0) > i + 1) return prefix + String.fromCodePoint(above);
    // No room here: go on below the next character of low, where nothing but low itself bounds.
    if (above > below) bounded = false;
    if (below < 0) return null;
    prefix += String.fromCodePoint(below);
  }
  return null;
}

/** A code point strictly between, no surrogate. */
function pointBetween(below: number, above: number): number | null {
  if (above - below < 2) return null;
  const top = below < ASCII_END - 1 && above > ASCII_END + 1 ? ASCII_END : (below + above) >> 1;
  if (top < 0xd800 || top > 0xdfff) return top;
  if (above > 0xe000) return 0xe000;
  return below < 0xd7ff ? 0xd7ff : null;
}

function pointOf(char: string): number {
  return char.codePointAt(0) ?? 0;
}
