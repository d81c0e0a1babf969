// Field table of limits: what a server holds, and what it grants to whom.
import { duration, integer, positiveNumber, refined, size, text } from './parsers.js';
import { defaulted, nested, optional, record, refuse, section } from './schema.js';
import type { Parser } from './schema.js';
import type { LimitsConfig, RateLimitConfig, ThroughputConfig } from './types.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const TIB = 1024 * 1024 * MIB;
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

const requests: Parser<number> = (place) =>
  place.node.kind === 'text' && place.node.text.trim() === '0' ? 0 : positiveNumber(place);
/** Slower than 1 KiB a second no client waits for. */
const bandwidth: Parser<number> = refined(size({ min: 0, max: TIB }), (value, place) =>
  value === 0 || value >= KIB ? value : refuse(place, 'must be at least 1k a second, or 0'),
);

const throughput: Parser<ThroughputConfig> = section({
  fields: {
    requestsPerSecond: optional('requests', requests),
    bytesInPerSecond: optional('bytes-in', bandwidth),
    bytesOutPerSecond: optional('bytes-out', bandwidth),
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
    maxHeaderBytes: defaulted('max-header-size', size({ min: 8 * KIB, max: MIB }), 64 * KIB),
    maxRequests: optional('max-requests', integer({ min: 1, max: 1_000_000 })),
    maxWaitingRequests: optional('max-waiting-requests', integer({ min: 0, max: 1_000_000 })),
    maxRequestWaitMs: defaulted('max-request-wait', duration({ min: 1, max: 10 * MINUTE_MS }), 10 * SECOND_MS),
    // With both a partition of Cassandra stays below 100,000 rows, one of a listing that also holds other keys too (docs/adr/0007).
    maxVersionsPerKey: defaulted('max-versions-per-key', integer({ min: 1, max: 50_000 }), 10_000),
    maxBucketsPerTenant: defaulted('max-buckets-per-tenant', integer({ min: 1, max: 50_000 }), 10_000),
    perBucket: nested('per-bucket', throughput),
    perTenant: nested('per-tenant', throughput),
    tenants: nested('tenants', record({ what: 'a map of tenants to limits', name: text, value: throughput })),
  },
});
