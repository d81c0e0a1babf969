// Sizes and durations with units.
import { describe, expect, it } from 'vitest';
import { formatDuration, formatSize, parseDurationMs, parseSizeBytes } from '../../../src/config/units.js';

describe('sizes', () => {
  it.each([
    ['0', 0],
    ['1000', 1000],
    ['128k', 131_072],
    ['128K', 131_072],
    ['128kb', 131_072],
    ['10 MiB', 10_485_760],
    ['5m', 5_242_880],
    ['1.5k', 1_536],
    ['2G', 2_147_483_648],
    ['1tb', 1_099_511_627_776],
    ['7 bytes', 7],
  ])('%s', (text, expected) => {
    expect(parseSizeBytes(text)).toBe(expected);
  });

  it.each(['', 'k', '-1', '1e3', '1x', '1.0001k', '1kk', '9999999p', '0x10'])('refuses %s', (text) => {
    expect(parseSizeBytes(text)).toBeNull();
  });

  it.each([
    [131_072, '128k'],
    [67_108_864, '64m'],
    [1_000, '1000'],
  ])('writes %i as %s', (sizeBytes, expected) => {
    expect(formatSize(sizeBytes)).toBe(expected);
  });
});

describe('durations', () => {
  it.each([
    ['0', 0],
    ['250', 250],
    ['250ms', 250],
    ['30s', 30_000],
    ['1.5 s', 1_500],
    ['5m', 300_000],
    ['5 minutes', 300_000],
    ['1h', 3_600_000],
    ['2 days', 172_800_000],
  ])('%s', (text, expected) => {
    expect(parseDurationMs(text)).toBe(expected);
  });

  it.each(['', 's', '-1s', '1w', '0.5ms', '1h30m'])('refuses %s', (text) => {
    expect(parseDurationMs(text)).toBeNull();
  });

  it.each([
    [0, '0'],
    [90_000, '90s'],
    [3_600_000, '1h'],
    [250, '250ms'],
  ])('writes %i as %s', (durationMs, expected) => {
    expect(formatDuration(durationMs)).toBe(expected);
  });
});
