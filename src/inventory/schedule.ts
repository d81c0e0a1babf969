/** When the reports of a configuration are due, and what their folders are called. Pure. */
import type { InventoryConfiguration } from '../s3/inventory.js';

/** 1 January 1970 was a Thursday; weeks begin on Sundays. */
const FIRST_SUNDAY = 3;
const WEEK = 7;

/**
 * Whether a new report is due after one that began then: the first in each day (UTC), or on Sundays, as on AWS.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory.html
 * @param times ms since the epoch
 * @param dayMs how long a day lasts: 24 h but in tests
 */
export function isReportDue(
  { frequency }: Pick<InventoryConfiguration, 'frequency'>,
  { startedMs, nowMs, dayMs }: { readonly startedMs: number; readonly nowMs: number; readonly dayMs: number },
): boolean {
  const periodOf = (ms: number): number => {
    const day = Math.floor(ms / dayMs);
    return frequency === 'Daily' ? day : Math.floor((day - FIRST_SUNDAY) / WEEK);
  };
  return periodOf(nowMs) > periodOf(startedMs);
}

/** '2016-11-06T21-32Z': the folder of the manifest. */
export function folderTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace(':', '-')}Z`;
}

/** '2016-11-06-21-32': the Hive partition. */
export function partitionTime(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replaceAll(/[T:]/g, '-');
}
