/** LIKE: % stands for any characters, _ for one, the escape character makes either of them literal. */
import type { Position } from './fault.js';
import { fault } from './fault.js';
import type { Work } from './work.js';

const ANY = Symbol('%');
const ONE = Symbol('_');
type Part = string | typeof ANY | typeof ONE;

export type Matcher = (text: string, work: Work) => boolean;

/** Longest literal that is looked for with String.includes, whose worst case is its length times that of the text. */
const MAX_NEEDLE_CHARS = 64;

/** @param escape one character @throws S3Error EvaluatorLikePatternInvalidEscapeSequence */
export function likeMatcher(pattern: string, escape: string | null, at: Position): Matcher {
  const parts = partsOf(pattern, escape, at);
  const simple = simpleMatcher(parts);
  return simple ?? ((text, work) => matches(Array.from(text), parts, work));
}

/** Literals one character each, runs of % as one. */
function partsOf(pattern: string, escape: string | null, at: Position): Part[] {
  if (escape !== null && Array.from(escape).length !== 1)
    throw fault('EvaluatorLikePatternInvalidEscapeSequence', at, 'ESCAPE needs one character');
  const parts: Part[] = [];
  const characters = Array.from(pattern);
  for (let index = 0; index < characters.length; index += 1) {
    const character = characters[index] ?? '';
    if (character === escape) {
      index += 1;
      const escaped = characters[index];
      if (escaped !== '%' && escaped !== '_' && escaped !== escape)
        throw fault(
          'EvaluatorLikePatternInvalidEscapeSequence',
          at,
          'only %, _ and the escape character can be escaped',
        );
      parts.push(escaped);
    } else if (character === '%') {
      if (parts.at(-1) !== ANY) parts.push(ANY);
    } else parts.push(character === '_' ? ONE : character);
  }
  return parts;
}

/** For 'x', 'x%', '%x' and '%x%' with a literal x; null for other patterns. */
function simpleMatcher(parts: readonly Part[]): Matcher | null {
  const open = parts.length > 0 && parts[0] === ANY;
  const openEnd = parts.length > 1 && parts.at(-1) === ANY;
  const middle = parts.slice(open ? 1 : 0, openEnd ? -1 : undefined);
  if (middle.some((part) => typeof part !== 'string')) return null;
  const literal = middle.join('');
  if (open && openEnd) return literal.length > MAX_NEEDLE_CHARS ? null : (text) => text.includes(literal);
  if (open) return (text) => text.endsWith(literal);
  return openEnd ? (text) => text.startsWith(literal) : (text) => text === literal;
}

/** Goes back to the last % only, which is enough. */
function matches(text: readonly string[], parts: readonly Part[], work: Work): boolean {
  work.charge(text.length);
  let textIndex = 0;
  let partIndex = 0;
  let anyIndex = -1;
  let resumeAt = 0;
  let steps = 0;
  while (textIndex < text.length) {
    steps += 1;
    if ((steps & 0xffff) === 0) work.charge(0x10000);
    const part = parts[partIndex];
    if (part === ANY) {
      anyIndex = partIndex;
      partIndex += 1;
      resumeAt = textIndex;
    } else if (part !== undefined && (part === ONE || part === text[textIndex])) {
      partIndex += 1;
      textIndex += 1;
    } else if (anyIndex >= 0) {
      resumeAt += 1;
      textIndex = resumeAt;
      partIndex = anyIndex + 1;
    } else return false;
  }
  work.charge(steps & 0xffff);
  while (parts[partIndex] === ANY) partIndex += 1;
  return partIndex === parts.length;
}
