/** String functions. https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-select-sql-reference-string.html */

const SURROGATE = /[\ud800-\udfff]/;

/** Characters, not UTF-16 units. */
export function characterLength(text: string): number {
  if (!SURROGATE.test(text)) return text.length;
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/**
 * SQL's substring: positions count from 1, and those below 1 count too, though there is nothing at them.
 * @param length Infinity: up to the end
 */
export function substring(text: string, start: number, length: number): string {
  const from = Math.max(start - 1, 0);
  const to = Math.max(start - 1 + length, from);
  if (!SURROGATE.test(text)) return text.slice(from, to);
  return Array.from(text).slice(from, to).join('');
}

/** @param characters each of which is taken off */
export function trimText(text: string, side: 'LEADING' | 'TRAILING' | 'BOTH', characters: string): string {
  const trimmed = new Set(characters);
  const letters = Array.from(text);
  let from = 0;
  let to = letters.length;
  if (side !== 'TRAILING') while (from < to && trimmed.has(letters[from] ?? '')) from += 1;
  if (side !== 'LEADING') while (to > from && trimmed.has(letters[to - 1] ?? '')) to -= 1;
  return letters.slice(from, to).join('');
}
