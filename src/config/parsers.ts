// Parsers of single values, for the field tables. Each answers null after reporting what it expected; reasons never
// quote the value of a secret.
import { constants, accessSync } from 'node:fs';
import { formatDuration, formatSize, parseDurationMs, parseSizeBytes } from './units.js';
import { refuse } from './schema.js';
import type { Parser, Place } from './schema.js';
import { hint } from './suggest.js';

/** Any text that is not blank. */
export const text: Parser<string> = (place) => {
  if (place.node.kind !== 'text') return refuse(place, 'must be a text');
  return place.node.text.trim() === '' ? refuse(place, 'must not be blank') : place.node.text;
};

/** A text that matches; `what` completes "must be ...". */
export function textLike(pattern: RegExp, what: string): Parser<string> {
  return (place) => {
    const value = text(place);
    if (value === null) return null;
    return pattern.test(value) ? value : refuse(place, `must be ${what}`);
  };
}

// The words of YAML 1.1 too, which the original's parser took for booleans.
const BOOLEAN_WORDS: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  on: true,
  false: false,
  no: false,
  off: false,
};

export const flag: Parser<boolean> = (place) => {
  const word = place.node.kind === 'text' ? place.node.text.toLowerCase() : '';
  return (
    (Object.hasOwn(BOOLEAN_WORDS, word) ? BOOLEAN_WORDS[word] : undefined) ?? refuse(place, 'must be true or false')
  );
};

interface Range {
  readonly min: number;
  readonly max: number;
}

export function integer({ min, max }: Range): Parser<number> {
  return (place) => {
    const digits = place.node.kind === 'text' ? /^[+-]?\d+$/.exec(place.node.text.trim()) : null;
    const value = digits === null ? Number.NaN : Number(digits[0]);
    return value >= min && value <= max ? value : refuse(place, `must be a whole number from ${min} to ${max}`);
  };
}

/** A number above 0, such as a rate. */
export const positiveNumber: Parser<number> = (place) => {
  const value =
    place.node.kind === 'text' && /^\d+(\.\d+)?$/.test(place.node.text.trim()) ? Number(place.node.text) : 0;
  return value > 0 && Number.isFinite(value) ? value : refuse(place, 'must be a number above 0');
};

export function size({ min, max }: Range): Parser<number> {
  return (place) => {
    const value = place.node.kind === 'text' ? parseSizeBytes(place.node.text) : null;
    if (value === null) return refuse(place, "must be a size such as '128k', '10 MiB' or a number of bytes");
    const inRange = value >= min && value <= max;
    return inRange ? value : refuse(place, `must be a size from ${formatSize(min)} to ${formatSize(max)}`);
  };
}

/** `zero: true` also takes 0, which the field's documentation gives a meaning of its own. */
export function duration({ min, max, zero = false }: Range & { readonly zero?: boolean }): Parser<number> {
  return (place) => {
    const value = place.node.kind === 'text' ? parseDurationMs(place.node.text) : null;
    if (value === null)
      return refuse(place, "must be a duration such as '500ms', '30s', '5m', '1h' or a number of milliseconds");
    if ((zero && value === 0) || (value >= min && value <= max)) return value;
    return refuse(
      place,
      `must be a duration from ${formatDuration(min)} to ${formatDuration(max)}${zero ? ', or 0' : ''}`,
    );
  };
}

/** One of some words, in any case and with '_' for '-'; `words` gives the meaning of each. */
export function oneOf<const T extends string>(words: Readonly<Record<string, T>>): Parser<T> {
  return (place) => {
    const raw = place.node.kind === 'text' ? place.node.text.trim() : '';
    const word = raw.toLowerCase().replaceAll('_', '-');
    const value = Object.hasOwn(words, word) ? words[word] : undefined;
    return (
      value ??
      refuse(place, `must be one of ${Object.keys(words).join(', ')}${raw === '' ? '' : hint(raw, Object.keys(words))}`)
    );
  };
}

/** A path, made absolute; the file may come to be later. */
export const path: Parser<string> = (place) => {
  const value = text(place);
  return value === null ? null : place.reader.resolvePath(value);
};

/** A path, made absolute, of a file that this process can read now. */
export const readableFile: Parser<string> = (place) => {
  const value = path(place);
  if (value === null) return null;
  try {
    accessSync(value, constants.R_OK);
    return value;
  } catch (error) {
    return refuse(place, `cannot read ${value} (${reasonOf(error)})`);
  }
};

/** The short reason of a file system error. */
export function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
  if (code === 'ENOENT') return 'no such file';
  if (code === 'EACCES') return 'permission denied';
  return code ?? 'unreadable';
}

/** `then` turns what `first` read into something else, or refuses it. */
export function refined<T, U>(first: Parser<T>, then: (value: T, place: Place) => U | null): Parser<U> {
  return (place) => {
    const value = first(place);
    return value === null ? null : then(value, place);
  };
}

/** S3's name of a storage class, in upper case. */
export const storageClassName: Parser<string> = (place) => {
  const value = text(place);
  if (value === null) return null;
  const name = value.toUpperCase().replaceAll('-', '_');
  return /^[A-Z][A-Z0-9_]{0,63}$/.test(name)
    ? name
    : refuse(
        place,
        'must be a storage class such as standard or standard-ia: letters, digits, hyphens and underscores',
      );
};
