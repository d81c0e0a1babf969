/** The date formats of the signature schemes. Times are milliseconds since the epoch; null means "no valid date". */

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

function digits(text: string, start: number, end: number): number {
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

interface CivilTime {
  year: number;
  /** 1..12 */
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
}

function toMs({ year, month, day, hour, minute, second }: CivilTime): number | null {
  if (year < 0 || month < 1 || month > 12 || day < 1 || hour < 0 || hour > 23) return null;
  if (minute < 0 || minute > 59 || second < 0 || second > 60) return null;
  const ms = Date.UTC(year, month - 1, day, hour, minute, second);
  // Date.UTC rolls 31 February over into March: such a day does not exist.
  return day <= 28 || new Date(ms).getUTCMonth() === month - 1 ? ms : null;
}

/** ISO 8601 basic, "20130524T000000Z". */
export function parseIsoBasic(text: string): number | null {
  if (text.length !== 16 || text.charCodeAt(8) !== 0x54 || text.charCodeAt(15) !== 0x5a) return null;
  return toMs({
    year: digits(text, 0, 4),
    month: digits(text, 4, 6),
    day: digits(text, 6, 8),
    hour: digits(text, 9, 11),
    minute: digits(text, 11, 13),
    second: digits(text, 13, 15),
  });
}

/** ISO 8601 basic, the form of SigV4's string to sign. */
export function formatIsoBasic(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]|\.\d{3}/g, '');
}

/** ISO 8601 extended with seconds, the form of AWS's error documents. */
export function formatIso(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d{3}/, '');
}

const HTTP_DATE =
  /^(?:[a-z]{3,9},? )?(\d{1,2})[ -]([a-z]{3})[ -](\d{4}|\d{2}) (\d{2}):(\d{2}):(\d{2}) ?(gmt|utc|z|[+-]\d{4})$/i;
const ASCTIME = /^[a-z]{3} ([a-z]{3}) {1,2}(\d{1,2}) (\d{2}):(\d{2}):(\d{2}) (\d{4})$/i;
const ISO_EXTENDED = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.\d{1,9})?Z$/;

/**
 * Any date that a Date or x-amz-date header may hold: RFC 1123 (also with a numeric zone, as s3cmd sends), RFC 850,
 * asctime, ISO 8601 basic and extended. The day of the week is not checked. Dates before the epoch are invalid.
 */
export function parseRequestDate(text: string): number | null {
  const ms = parseIsoBasic(text) ?? parseHttpDate(text) ?? parseIsoExtended(text);
  return ms === null || ms < 0 ? null : ms;
}

function parseHttpDate(text: string): number | null {
  const http = HTTP_DATE.exec(text);
  if (http !== null) {
    const [, day = '', month = '', year = '', hour = '', minute = '', second = '', zone = ''] = http;
    const century = year.length === 4 ? 0 : Number(year) < 70 ? 2000 : 1900;
    const ms = toMs({ year: century + Number(year), month: monthNumber(month), ...dayTime(day, hour, minute, second) });
    return ms === null ? null : ms - zoneMs(zone);
  }
  const asctime = ASCTIME.exec(text);
  if (asctime === null) return null;
  const [, month = '', day = '', hour = '', minute = '', second = '', year = ''] = asctime;
  return toMs({ year: Number(year), month: monthNumber(month), ...dayTime(day, hour, minute, second) });
}

/** ISO 8601 extended in UTC, "2007-12-01T12:00:00.000Z", also the form of a POST policy's expiration. */
export function parseIsoExtended(text: string): number | null {
  const iso = ISO_EXTENDED.exec(text);
  if (iso === null) return null;
  const [, year = '', month = '', day = '', hour = '', minute = '', second = ''] = iso;
  return toMs({ year: Number(year), month: Number(month), ...dayTime(day, hour, minute, second) });
}

function dayTime(day: string, hour: string, minute: string, second: string): Omit<CivilTime, 'year' | 'month'> {
  return { day: Number(day), hour: Number(hour), minute: Number(minute), second: Number(second) };
}

function monthNumber(name: string): number {
  return MONTHS.indexOf(name.toLowerCase()) + 1;
}

function zoneMs(zone: string): number {
  if (zone.charAt(0) !== '+' && zone.charAt(0) !== '-') return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3, 5));
  return (zone.charAt(0) === '-' ? -minutes : minutes) * 60_000;
}
