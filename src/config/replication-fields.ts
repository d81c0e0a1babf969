// Field table of replication: servers elsewhere that buckets may be replicated to, and how the work is done.
import { httpUrl } from './notification-fields.js';
import { duration, flag, integer, oneOf, readableFile, text, textLike } from './parsers.js';
import { defaulted, listOf, nested, optional, record, required, section } from './schema.js';
import type { Parser } from './schema.js';
import type { ReplicationConfig, ReplicationTargetConfig } from './types.js';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const target: Parser<ReplicationTargetConfig> = section({
  fields: {
    kind: defaulted('kind', oneOf({ pithos: 'pithos', s3: 's3' }), 'pithos'),
    endpoint: required('endpoint', httpUrl('https://pithos.example.com')),
    region: required('region', textLike(/^[A-Za-z0-9._-]{1,64}$/, 'the name of a region')),
    accessKey: required('access-key', text),
    secret: required('secret', text),
    caFile: optional('ca-file', readableFile),
    pathStyle: defaulted('path-style', flag, true),
    timeoutMs: defaulted('timeout', duration({ min: 100, max: HOUR_MS }), 30 * SECOND_MS),
    concurrency: defaulted('concurrency', integer({ min: 1, max: 64 }), 4),
    tenants: optional('tenants', listOf(text)),
  },
});

/** What an ARN can name. */
const targetName = textLike(/^[A-Za-z0-9._-]{1,80}$/, '1 to 80 letters, digits, dots, hyphens and underscores');

export const replication: Parser<ReplicationConfig> = section({
  fields: {
    targets: nested('targets', record({ what: 'a map of targets by name', name: targetName, value: target })),
    concurrency: defaulted('concurrency', integer({ min: 1, max: 64 }), 4),
    pollIntervalMs: defaulted('poll-interval', duration({ min: 50, max: 5 * SECOND_MS }), SECOND_MS),
    maxAgeMs: defaulted('max-age', duration({ min: SECOND_MS, max: 90 * DAY_MS }), 14 * DAY_MS),
    maxRetryIntervalMs: defaulted('max-retry-interval', duration({ min: 100, max: HOUR_MS }), 5 * MINUTE_MS),
  },
});
