/** Date functions but TO_STRING. https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-select-sql-reference-date.html */
import type { DatePart, ExtractPart } from './ast.js';
import type { Position } from './fault.js';
import { fault } from './fault.js';
import type { Precision } from './timestamp.js';
import { Timestamp, utcDate } from './timestamp.js';

const SECONDS: Readonly<Record<'day' | 'hour' | 'minute' | 'second', number>> = {
  day: 86_400,
  hour: 3600,
  minute: 60,
  second: 1,
};

/** The result is at least as exact as the part. @throws S3Error EvaluatorInvalidArguments beyond the years 1 to 9999 */
export function dateAdd(part: DatePart, quantity: bigint, timestamp: Timestamp, at: Position): Timestamp {
  const amount = Number(quantity);
  const precision = atLeast(timestamp, part === 'hour' ? 'minute' : part);
  const moved =
    part === 'year' || part === 'month'
      ? addMonths(timestamp, part === 'year' ? amount * 12 : amount)
      : timestamp.seconds + amount * SECONDS[part];
  const { nanos, fractionDigits, offsetMinutes } = timestamp;
  const result = new Timestamp({ seconds: moved, nanos, fractionDigits, offsetMinutes, precision });
  const year = result.local.getUTCFullYear();
  if (!(year >= 1 && year <= 9999)) throw fault('EvaluatorInvalidArguments', at, 'DATE_ADD beyond the years 1 to 9999');
  return result;
}

function atLeast(timestamp: Timestamp, precision: Precision): Precision {
  return timestamp.knows(precision) ? timestamp.precision : precision;
}

/** The day of the month stays, but for months that do not have it. @returns seconds since the epoch */
function addMonths(timestamp: Timestamp, months: number): number {
  const { local } = timestamp;
  const total = local.getUTCFullYear() * 12 + local.getUTCMonth() + months;
  const year = Math.floor(total / 12);
  const month = total - year * 12 + 1;
  const lastDay = utcDate(year, month + 1, 0).getUTCDate();
  const day = utcDate(year, month, Math.min(local.getUTCDate(), lastDay)).getTime() / 1000;
  const timeOfDay = local.getUTCHours() * 3600 + local.getUTCMinutes() * 60 + local.getUTCSeconds();
  return day + timeOfDay - (timestamp.offsetMinutes ?? 0) * 60;
}

/** Whole years, months, ... from the first to the second; a day is 24 hours. */
export function dateDiff(part: DatePart, from: Timestamp, to: Timestamp): bigint {
  if (part === 'year' || part === 'month') {
    const months = monthsBetween(from, to);
    return BigInt(part === 'year' ? Math.trunc(months / 12) : months);
  }
  let seconds = to.seconds - from.seconds;
  if (seconds > 0 && to.nanos < from.nanos) seconds -= 1;
  else if (seconds < 0 && to.nanos > from.nanos) seconds += 1;
  return BigInt(Math.trunc(seconds / SECONDS[part]));
}

function monthsBetween(from: Timestamp, to: Timestamp): number {
  if (to.compare(from) < 0) return -monthsBetween(to, from);
  const first = new Date(from.seconds * 1000);
  const last = new Date(to.seconds * 1000);
  const months = (last.getUTCFullYear() - first.getUTCFullYear()) * 12 + last.getUTCMonth() - first.getUTCMonth();
  const incomplete = withinMonth(last, to.nanos) < withinMonth(first, from.nanos);
  return incomplete ? months - 1 : months;
}

/** Milliseconds, with a fraction, since the month began. */
function withinMonth(date: Date, nanos: number): number {
  return date.getTime() - Date.UTC(date.getUTCFullYear(), date.getUTCMonth()) + nanos / 1e6;
}

export function extractPart(part: ExtractPart, timestamp: Timestamp): bigint {
  const { local } = timestamp;
  const offset = timestamp.offsetMinutes ?? 0;
  switch (part) {
    case 'year':
      return BigInt(local.getUTCFullYear());
    case 'month':
      return BigInt(local.getUTCMonth() + 1);
    case 'day':
      return BigInt(local.getUTCDate());
    case 'hour':
      return BigInt(local.getUTCHours());
    case 'minute':
      return BigInt(local.getUTCMinutes());
    case 'second':
      return BigInt(local.getUTCSeconds());
    case 'timezone_hour':
      return BigInt(Math.trunc(offset / 60));
    case 'timezone_minute':
      return BigInt(offset % 60);
  }
}
