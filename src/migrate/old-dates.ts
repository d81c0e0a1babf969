/** Dates of the original Pithos: ISO 8601 texts, beside versions whose uuids carry a time too. Pure. */

/** From the epoch of uuids, 1582-10-15, to that of Unix, ms. */
const UUID_EPOCH_MS = 12_219_292_800_000;
const TIME_UUID = /^([0-9a-f]{8})-([0-9a-f]{4})-1([0-9a-f]{3})-/;

/** ms since the epoch; null when it is no date */
export function dateMs(text: string | null): number | null {
  const ms = text === null ? Number.NaN : Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}

/** When an object was written, ms since the epoch: its atime, else the time of its version (a timeuuid). */
export function writtenAtMs(atime: string | null, version: string): number {
  return dateMs(atime) ?? timeUuidMs(version) ?? 0;
}

function timeUuidMs(uuid: string): number | null {
  const [, low = '', middle = '', high = ''] = TIME_UUID.exec(uuid) ?? [];
  if (low === '') return null;
  // In units of 100 ns.
  return Math.floor(Number(BigInt(`0x${high}${middle}${low}`) / 10_000n)) - UUID_EPOCH_MS;
}
