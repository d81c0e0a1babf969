/**
 * Timestamps of S3 Select: a moment, the offset it was told with and how exactly it was told (from a year to nanoseconds). Text
 * form: W3C's profile of ISO 8601, with a T at the end where there is less than a day.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-select-sql-reference-data-types.html
 */
export type Precision = 'year' | 'month' | 'day' | 'minute' | 'second';

export interface TimestampParts {
  /** since the epoch, whole */
  readonly seconds: number;
  /** 0 to 999,999,999 */
  readonly nanos: number;
  readonly precision: Precision;
  /** digits of the fraction of a second, 0 to 9 */
  readonly fractionDigits: number;
  /** east of UTC; null: not known, counted as UTC */
  readonly offsetMinutes: number | null;
}

const PATTERN =
  /^(\d{4})(?:T|-(\d{2})(?:T|-(\d{2})(?:T|T(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?(Z|[+-]\d{2}:\d{2})?)?))$/;
const PRECISIONS: readonly Precision[] = ['year', 'month', 'day', 'minute', 'second'];

export class Timestamp {
  readonly seconds: number;
  readonly nanos: number;
  readonly precision: Precision;
  readonly fractionDigits: number;
  readonly offsetMinutes: number | null;

  constructor(parts: TimestampParts) {
    this.seconds = parts.seconds;
    this.nanos = parts.nanos;
    this.precision = parts.precision;
    this.fractionDigits = parts.fractionDigits;
    this.offsetMinutes = parts.offsetMinutes;
  }

  /** null when the text is no timestamp. Digits of the fraction beyond the ninth are dropped. */
  static parse(text: string): Timestamp | null {
    const match = PATTERN.exec(text);
    if (match === null) return null;
    const [, year = '', month, day, hour, minute, second, fraction = '', zone] = match;
    const numbers = [
      Number(year),
      Number(month ?? 1),
      Number(day ?? 1),
      Number(hour ?? 0),
      Number(minute ?? 0),
    ] as const;
    const wholeSeconds = Number(second ?? 0);
    const [y, mo, d, h, mi] = numbers;
    if (h > 23 || mi > 59 || wholeSeconds > 59) return null;
    const date = utcDate(y, mo, d);
    if (y < 1 || date.getUTCMonth() !== mo - 1 || date.getUTCDate() !== d) return null;
    const offsetMinutes = hour === undefined ? null : offsetOf(zone);
    if (offsetMinutes !== null && Math.abs(offsetMinutes) >= 24 * 60) return null;
    const digits = fraction.slice(0, 9);
    return new Timestamp({
      seconds: date.getTime() / 1000 + h * 3600 + mi * 60 + wholeSeconds - (offsetMinutes ?? 0) * 60,
      nanos: Number(digits.padEnd(9, '0')),
      precision:
        second !== undefined ? 'second' : hour !== undefined ? 'minute' : day ? 'day' : month ? 'month' : 'year',
      fractionDigits: digits.length,
      offsetMinutes,
    });
  }

  /** In UTC, to the millisecond. */
  static fromMs(ms: number): Timestamp {
    return Timestamp.fromNanos(BigInt(Math.trunc(ms)) * 1_000_000n, 3);
  }

  /** In UTC. @param nanos since the epoch */
  static fromNanos(nanos: bigint, fractionDigits: number): Timestamp {
    const rest = ((nanos % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
    return new Timestamp({
      seconds: Number((nanos - rest) / 1_000_000_000n),
      nanos: Number(rest),
      precision: 'second',
      fractionDigits,
      offsetMinutes: 0,
    });
  }

  /** Of a day. @param days since the epoch */
  static fromDays(days: number): Timestamp {
    return new Timestamp({
      seconds: days * 86_400,
      nanos: 0,
      precision: 'day',
      fractionDigits: 0,
      offsetMinutes: null,
    });
  }

  compare(other: Timestamp): number {
    return this.seconds - other.seconds || this.nanos - other.nanos;
  }

  /** Date and time of day where it was told: read with the getUTC functions. */
  get local(): Date {
    return new Date((this.seconds + (this.offsetMinutes ?? 0) * 60) * 1000);
  }

  /** At least as exact as `precision`. */
  knows(precision: Precision): boolean {
    return PRECISIONS.indexOf(this.precision) >= PRECISIONS.indexOf(precision);
  }

  toString(): string {
    const local = this.local;
    const year = String(local.getUTCFullYear()).padStart(4, '0');
    if (!this.knows('month')) return `${year}T`;
    const month = `${year}-${two(local.getUTCMonth() + 1)}`;
    if (!this.knows('day')) return `${month}T`;
    const day = `${month}-${two(local.getUTCDate())}`;
    if (!this.knows('minute')) return `${day}T`;
    let time = `${two(local.getUTCHours())}:${two(local.getUTCMinutes())}`;
    if (this.knows('second')) time += `:${two(local.getUTCSeconds())}`;
    if (this.fractionDigits > 0) time += `.${String(this.nanos).padStart(9, '0').slice(0, this.fractionDigits)}`;
    return `${day}T${time}${zoneText(this.offsetMinutes, ':')}`;
  }
}

/** Also of years before 100, which Date.UTC moves into the twentieth century. */
export function utcDate(year: number, month: number, day: number): Date {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date;
}

/** 'Z', '+07:00'; what is not known is '-00:00', as in RFC 3339. */
function zoneText(offsetMinutes: number | null, separator: string): string {
  if (offsetMinutes === null) return `-00${separator}00`;
  if (offsetMinutes === 0) return 'Z';
  const minutes = Math.abs(offsetMinutes);
  return `${offsetMinutes < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}${separator}${two(minutes % 60)}`;
}

function offsetOf(zone: string | undefined): number | null {
  if (zone === undefined || zone === '-00:00') return null;
  if (zone === 'Z') return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4, 6));
  return zone.startsWith('-') ? -minutes : minutes;
}

export function two(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}
