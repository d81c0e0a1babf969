// Field table of access-log: how long and how much of buckets' access logs waits before it is delivered.
import { duration, size } from './parsers.js';
import { defaulted, section } from './schema.js';
import type { Parser } from './schema.js';
import type { AccessLogConfig } from './types.js';

const KIB = 1024;
const MIB = 1024 * KIB;

export const accessLog: Parser<AccessLogConfig> = section({
  fields: {
    flushIntervalMs: defaulted('flush-interval', duration({ min: 100, max: 24 * 3_600_000 }), 5 * 60_000),
    flushBytes: defaulted('flush-size', size({ min: KIB, max: 256 * MIB }), 4 * MIB),
    maxBytes: defaulted('max-buffer', size({ min: 64 * KIB, max: 1024 * MIB }), 32 * MIB),
  },
});
