// Field tables of limits and gc, and the list of sections that are new here.
import { accessLog } from './access-log-fields.js';
import { encryption } from './encryption-fields.js';
import { notifications } from './notification-fields.js';
import { duration, integer, positiveNumber, size } from './parsers.js';
import { defaulted, join, nested, optional, section } from './schema.js';
import type { Parser } from './schema.js';
import type { GcConfig, LimitsConfig, RateLimitConfig } from './types.js';
import { formatDuration } from './units.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const rateLimit: Parser<RateLimitConfig> = section({
  fields: {
    perAccessKey: optional('per-access-key', positiveNumber),
    perAddress: optional('per-address', positiveNumber),
  },
});

export const limits: Parser<LimitsConfig> = section({
  fields: {
    // Every version of a key keeps its inline data in the key's one head partition, hence the ceiling.
    inlineThresholdBytes: defaulted('inline-threshold', size({ min: 0, max: MIB }), 32 * KIB),
    maxBufferMemoryBytes: defaulted('max-buffer-memory', size({ min: 16 * MIB, max: 1024 * 1024 * MIB }), 128 * MIB),
    requestTimeoutMs: defaulted('request-timeout', duration({ min: SECOND_MS, max: 7 * DAY_MS, zero: true }), 0),
    headersTimeoutMs: defaulted('headers-timeout', duration({ min: SECOND_MS, max: 10 * MINUTE_MS }), 30 * SECOND_MS),
    // Longer than the 60 s of common load balancers, so that the balancer closes first and never reuses a dead connection.
    keepAliveTimeoutMs: defaulted('keep-alive-timeout', duration({ min: SECOND_MS, max: HOUR_MS }), 75 * SECOND_MS),
    maxConnections: defaulted('max-connections', integer({ min: 0, max: 1_000_000 }), 10_000),
    bodyIdleTimeoutMs: defaulted('body-idle-timeout', duration({ min: SECOND_MS, max: HOUR_MS }), 30 * SECOND_MS),
    rateLimit: optional('rate-limit', rateLimit),
  },
});

export const gc: Parser<GcConfig> = section({
  fields: {
    intervalMs: defaulted('interval', duration({ min: 100, max: 7 * DAY_MS, zero: true }), 5 * MINUTE_MS),
    graceMs: defaulted('grace', duration({ min: SECOND_MS, max: 30 * DAY_MS }), HOUR_MS),
    intentLeaseMs: defaulted('intent-lease', duration({ min: SECOND_MS, max: 7 * DAY_MS }), 15 * MINUTE_MS),
    lifecycleIntervalMs: defaulted('lifecycle-interval', duration({ min: 100, max: 7 * DAY_MS, zero: true }), HOUR_MS),
    lifecycleDayMs: defaulted('lifecycle-day', duration({ min: 100, max: DAY_MS }), DAY_MS),
    inventoryIntervalMs: defaulted('inventory-interval', duration({ min: 100, max: 7 * DAY_MS, zero: true }), HOUR_MS),
    inventoryDayMs: defaulted('inventory-day', duration({ min: 100, max: DAY_MS }), DAY_MS),
  },
  check: ({ graceMs, intentLeaseMs }, { key, node, reader }) => {
    // A completion commits at most one lease after it closed its upload; what it commits must not be collected before.
    if (graceMs >= intentLeaseMs) return;
    const reason = `must be at least as long as intent-lease (${formatDuration(intentLeaseMs)})`;
    reader.issues.fault({ line: node.line, key: join(key, 'grace'), reason });
  },
});

/** For load.ts: the sections of this file, encryption and notifications, each of which may be left out. */
export const runtimeFields = {
  encryption: nested('encryption', encryption),
  limits: nested('limits', limits),
  gc: nested('gc', gc),
  notifications: nested('notifications', notifications),
  accessLog: nested('access-log', accessLog),
} as const;
