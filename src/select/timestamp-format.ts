/**
 * TO_STRING: timestamps by a pattern of letters; text in single quotes is literal.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-select-sql-reference-date.html#s3-select-sql-reference-to-string
 */
import type { Position } from './fault.js';
import { fault } from './fault.js';
import type { Timestamp } from './timestamp.js';
import { two } from './timestamp.js';

type Formatter = (timestamp: Timestamp, local: Date) => string;

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const;

const month = (local: Date): string => MONTHS[local.getUTCMonth()] ?? '';
const hour12 = (local: Date): number => local.getUTCHours() % 12 || 12;
const fraction = (digits: number): Formatter => {
  return ({ nanos }) => String(nanos).padStart(9, '0').slice(0, digits);
};

const SYMBOLS: ReadonlyMap<string, Formatter> = new Map<string, Formatter>([
  ['yy', (_, local) => two(local.getUTCFullYear() % 100)],
  ['y', (_, local) => String(local.getUTCFullYear())],
  ['yyyy', (_, local) => String(local.getUTCFullYear()).padStart(4, '0')],
  ['M', (_, local) => String(local.getUTCMonth() + 1)],
  ['MM', (_, local) => two(local.getUTCMonth() + 1)],
  ['MMM', (_, local) => month(local).slice(0, 3)],
  ['MMMM', (_, local) => month(local)],
  ['MMMMM', (_, local) => month(local).slice(0, 1)],
  ['d', (_, local) => String(local.getUTCDate())],
  ['dd', (_, local) => two(local.getUTCDate())],
  ['a', (_, local) => (local.getUTCHours() < 12 ? 'AM' : 'PM')],
  ['h', (_, local) => String(hour12(local))],
  ['hh', (_, local) => two(hour12(local))],
  ['H', (_, local) => String(local.getUTCHours())],
  ['HH', (_, local) => two(local.getUTCHours())],
  ['m', (_, local) => String(local.getUTCMinutes())],
  ['mm', (_, local) => two(local.getUTCMinutes())],
  ['s', (_, local) => String(local.getUTCSeconds())],
  ['ss', (_, local) => two(local.getUTCSeconds())],
  ...Array.from({ length: 9 }, (_, index): [string, Formatter] => ['S'.repeat(index + 1), fraction(index + 1)]),
  ['n', ({ nanos }) => String(nanos)],
  ['X', zone({ zulu: true, separator: '', minutes: 'unlessZero' })],
  ['XX', zone({ zulu: true, separator: '', minutes: 'always' })],
  ['XXX', zone({ zulu: true, separator: ':', minutes: 'always' })],
  ['XXXX', zone({ zulu: true, separator: '', minutes: 'always' })],
  ['XXXXX', zone({ zulu: true, separator: ':', minutes: 'always' })],
  ['x', zone({ zulu: false, separator: '', minutes: 'unlessZero' })],
  ['xx', zone({ zulu: false, separator: '', minutes: 'always' })],
  ['xxx', zone({ zulu: false, separator: ':', minutes: 'always' })],
  ['xxxx', zone({ zulu: false, separator: '', minutes: 'always' })],
  ['xxxxx', zone({ zulu: false, separator: ':', minutes: 'always' })],
]);

interface ZoneStyle {
  /** Z where the offset is zero */
  readonly zulu: boolean;
  readonly separator: string;
  readonly minutes: 'always' | 'unlessZero';
}

function zone({ zulu, separator, minutes }: ZoneStyle): Formatter {
  return ({ offsetMinutes }) => {
    const offset = offsetMinutes ?? 0;
    if (offset === 0 && zulu) return 'Z';
    const size = Math.abs(offset);
    const rest = minutes === 'unlessZero' && size % 60 === 0 ? '' : separator + two(size % 60);
    return `${offset < 0 ? '-' : '+'}${two(Math.floor(size / 60))}${rest}`;
  };
}

/** @throws S3Error EvaluatorInvalidTimestampFormatPatternSymbol, EvaluatorUnterminatedTimestampFormatPatternToken */
export function timestampFormat(pattern: string, at: Position): (timestamp: Timestamp) => string {
  const pieces: Formatter[] = [];
  for (let index = 0; index < pattern.length;) {
    const letter = pattern.charAt(index);
    if (letter === "'") {
      const literal = quoted(pattern, index, at);
      pieces.push(() => literal.text);
      index = literal.end;
      continue;
    }
    let end = index + 1;
    if (!/[A-Za-z]/.test(letter)) {
      pieces.push(() => letter);
      index = end;
      continue;
    }
    while (pattern.charAt(end) === letter) end += 1;
    const symbol = SYMBOLS.get(pattern.slice(index, end));
    if (symbol === undefined)
      throw fault('EvaluatorInvalidTimestampFormatPatternSymbol', at, pattern.slice(index, Math.min(end, index + 20)));
    pieces.push(symbol);
    index = end;
  }
  return (timestamp) => {
    const { local } = timestamp;
    return pieces.map((piece) => piece(timestamp, local)).join('');
  };
}

/** Two quotes are one quote. @param start of the opening quote */
function quoted(pattern: string, start: number, at: Position): { text: string; end: number } {
  if (pattern.charAt(start + 1) === "'") return { text: "'", end: start + 2 };
  const end = pattern.indexOf("'", start + 1);
  if (end < 0) throw fault('EvaluatorUnterminatedTimestampFormatPatternToken', at);
  return { text: pattern.slice(start + 1, end), end: end + 1 };
}
