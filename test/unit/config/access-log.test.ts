// The section access-log.
import { describe, expect, it } from 'vitest';
import { KEYSTORE, load, reasonsOf } from './helpers.js';

const withSection = (section: string): string => `${KEYSTORE}\naccess-log: ${section}`;
const MIB = 1024 * 1024;

describe('access-log', () => {
  it('has bounds by default', () => {
    const { accessLog } = load(KEYSTORE);
    expect(accessLog).toEqual({ flushIntervalMs: 300_000, flushBytes: 4 * MIB, maxBytes: 32 * MIB });
  });

  it('is read', () => {
    const { accessLog } = load(withSection('{flush-interval: 2s, flush-size: 64 KiB, max-buffer: 8 MiB}'));
    expect(accessLog).toEqual({ flushIntervalMs: 2000, flushBytes: 64 * 1024, maxBytes: 8 * MIB });
  });

  it.each([
    ['{flush-interval: 1ms}', 'access-log.flush-interval'],
    ['{flush-size: 1}', 'access-log.flush-size'],
    ['{max-buffer: 2 GiB}', 'access-log.max-buffer'],
    ['{max-buffers: 1 MiB}', 'access-log.max-buffers'],
  ])('refuses %s', (section, key) => {
    const reasons = reasonsOf(withSection(section));
    expect(reasons).toHaveLength(1);
    expect(reasons[0]).toMatch(new RegExp(`^${key}: .`));
  });
});
