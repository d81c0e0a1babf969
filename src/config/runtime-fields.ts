// Field table of gc, and the list of sections that are new here.
import { accessLog } from './access-log-fields.js';
import { webConsole } from './console-fields.js';
import { encryption } from './encryption-fields.js';
import { notifications } from './notification-fields.js';
import { limits } from './limit-fields.js';
import { duration } from './parsers.js';
import { replication } from './replication-fields.js';
import { defaulted, join, nested, optional, section } from './schema.js';
import type { Parser } from './schema.js';
import { tracing } from './tracing-fields.js';
import type { GcConfig } from './types.js';
import { formatDuration } from './units.js';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

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
  replication: nested('replication', replication),
  accessLog: nested('access-log', accessLog),
  tracing: optional('tracing', tracing),
  console: nested('console', webConsole),
} as const;
