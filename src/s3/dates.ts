/** The two date formats S3 answers with, and the dates of conditional requests. Times are milliseconds since the epoch. */

/** RFC 1123, the form of Last-Modified: "Wed, 14 Jun 2017 07:00:00 GMT". */
export function httpDate(ms: number): string {
  return new Date(ms).toUTCString();
}

/**
 * ISO 8601 as S3 writes it in XML: "2009-10-12T17:50:30.000Z". Whole seconds, as on AWS: a listing, Last-Modified and
 * the conditions of a request then all speak of the same moment.
 */
export function isoDate(ms: number): string {
  return new Date(ms - (((ms % 1000) + 1000) % 1000)).toISOString();
}

/** format, remembering its last result for as long as the second stays the same: listings are full of equal times. */
export function perSecond(format: (ms: number) => string): (ms: number) => string {
  let second = NaN;
  let text = '';
  return (ms) => {
    const current = Math.floor(ms / 1000);
    if (current !== second) {
      text = format(ms);
      second = current;
    }
    return text;
  };
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const RFC_1123 = /^[A-Z][a-z]{2}, (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) (?:GMT|UTC|[+-]0000)$/;
const RFC_850 = /^[A-Z][a-z]{5,8}, (\d{2})-([A-Z][a-z]{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) (?:GMT|UTC)$/;
const ASCTIME = /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ \d]\d) (\d{2}):(\d{2}):(\d{2}) (\d{4})$/;

/**
 * The three forms of RFC 9110 section 5.6.7 (RFC 1123, RFC 850, asctime), always UTC; null for anything else: an invalid
 * date makes a conditional header count as absent. The day of the week is not checked.
 * nowMs places a two-digit year: more than 50 years ahead means the past century.
 */
export function parseHttpDate(text: string, nowMs: number = Date.now()): number | null {
  let match = RFC_1123.exec(text);
  if (match) {
    const [, day, month, year, hour, minute, second] = match;
    return civil({ year, month, day, hour, minute, second });
  }
  match = RFC_850.exec(text);
  if (match) {
    const [, day, month, shortYear, hour, minute, second] = match;
    const thisYear = new Date(nowMs).getUTCFullYear();
    const nearest = thisYear - (thisYear % 100) + Number(shortYear);
    const year = nearest > thisYear + 50 ? nearest - 100 : nearest;
    return civil({ year: String(year), month, day, hour, minute, second });
  }
  match = ASCTIME.exec(text);
  if (match) {
    const [, month, day, hour, minute, second, year] = match;
    return civil({ year, month, day, hour, minute, second });
  }
  return null;
}

const ISO_8601 = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})$/;

/** ISO 8601 with a zone, as SDKs write timestamps into XML; null for anything else. Below a millisecond is dropped. */
export function parseIsoDate(text: string): number | null {
  const match = ISO_8601.exec(text);
  if (!match) return null;
  const [, year, monthDigits, day, hour, minute, second, fraction = '', zone = 'Z'] = match;
  const ms = civil({ year, month: MONTHS[Number(monthDigits) - 1], day, hour, minute, second });
  if (ms === null) return null;
  const offsetMinutes = zone === 'Z' ? 0 : Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4, 6));
  const offsetMs = (zone.startsWith('-') ? -offsetMinutes : offsetMinutes) * 60_000;
  return ms + Number(fraction.padEnd(3, '0').slice(0, 3)) - offsetMs;
}

interface CivilDigits {
  readonly year: string | undefined;
  /** English, three letters */
  readonly month: string | undefined;
  readonly day: string | undefined;
  readonly hour: string | undefined;
  readonly minute: string | undefined;
  readonly second: string | undefined;
}

function civil(digits: CivilDigits): number | null {
  const month = digits.month === undefined ? -1 : MONTHS.indexOf(digits.month);
  const [year, day, hour, minute, second] = [digits.year, digits.day, digits.hour, digits.minute, digits.second].map(
    Number,
  ) as [number, number, number, number, number];
  // Second 60 is a leap second, which Date.UTC counts as the next minute.
  if (month < 0 || day < 1 || hour > 23 || minute > 59 || second > 60) return null;
  const date = new Date(0);
  // Not Date.UTC, which takes the years 0 to 99 for 1900 to 1999.
  date.setUTCFullYear(year, month, day);
  // 31 February rolls over into March: such a day does not exist.
  if (date.getUTCMonth() !== month) return null;
  return date.setUTCHours(hour, minute, second, 0);
}
