import { describe, expect, it } from 'vitest';
import { folderTime, isReportDue, partitionTime } from '../../../src/inventory/schedule.js';

const DAY_MS = 24 * 60 * 60 * 1000;

function due(frequency: 'Daily' | 'Weekly', started: string, now: string): boolean {
  const [startedMs, nowMs] = [Date.parse(started), Date.parse(now)];
  return isReportDue({ frequency }, { startedMs, nowMs, dayMs: DAY_MS });
}

describe('a report is due', () => {
  it.each([
    ['2026-03-02T00:00:00Z', '2026-03-02T23:59:59Z', false],
    ['2026-03-02T23:59:00Z', '2026-03-03T00:00:00Z', true],
    ['2026-03-02T10:00:00Z', '2026-04-01T00:00:00Z', true],
  ])('daily, once in a day: %s, %s', (started, now, expected) => {
    expect(due('Daily', started, now)).toBe(expected);
  });

  // 1 and 8 March 2026 are Sundays.
  it.each([
    ['2026-03-01T00:00:00Z', '2026-03-07T23:59:59Z', false],
    ['2026-03-01T00:00:00Z', '2026-03-08T00:00:00Z', true],
    ['2026-03-07T12:00:00Z', '2026-03-08T00:00:00Z', true],
  ])('weekly, on Sundays: %s, %s', (started, now, expected) => {
    expect(due('Weekly', started, now)).toBe(expected);
  });

  it('when a day lasts a second', () => {
    const at = (startedMs: number, nowMs: number) =>
      isReportDue({ frequency: 'Daily' }, { startedMs, nowMs, dayMs: 1000 });
    expect(at(5000, 5999)).toBe(false);
    expect(at(5999, 6000)).toBe(true);
  });
});

it('folders are named by the minute', () => {
  const ms = Date.parse('2016-11-06T21:32:59.999Z');
  expect(folderTime(ms)).toBe('2016-11-06T21-32Z');
  expect(partitionTime(ms)).toBe('2016-11-06-21-32');
});
