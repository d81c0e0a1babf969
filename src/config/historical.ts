// Settings of the original Pithos (0.7) that mean nothing here. They are accepted, so that its files load as they are, and
// each gets a warning that says what to do instead. `use` chose a class on the JVM's class path; only its defaults can be met.
import type { Historical, Place } from './schema.js';
import type { MapNode } from './source.js';

const USE = 'chose an implementation by its Clojure name; there is one here, so this can go';

export const HISTORICAL_TOP_LEVEL: Historical = {
  cassandra:
    "configured the original's embedded Cassandra; leave out bucketstore and regions to use the embedded store here",
  reporters: 'are not used; options.reporting turns reports of puts and deletes on or off',
  sentry: 'is not used; send the log to Sentry instead',
};

export const HISTORICAL_USE: Historical = { use: USE };

export const HISTORICAL_LOGGING: Historical = {
  use: USE,
  pattern: 'is not used: lines are JSON',
  external: 'is not used; there is no logback here',
  json: 'is not used: lines are JSON',
};

export const HISTORICAL_TARGET: Historical = {
  use: USE,
  hints: 'is not used; repfactor gives the replication of a new keyspace',
  'cassandra-options': 'held options of the Clojure driver and is not used; see tls, port and request-timeout',
};

const ORIGINAL_IMPLEMENTATIONS = new Set([
  'io.pithos.keystore/map-keystore',
  'io.pithos.bucket/cassandra-bucket-store',
  'io.pithos.meta/cassandra-meta-store',
  'io.pithos.blob/cassandra-blob-store',
  'io.pithos.reporter/logging-reporter',
  'org.spootnik.logconfig/start-logging!',
]);

/** A file that names another implementation expects what this gateway does not do; ignoring it would be a surprise. */
export function refuseForeignUse({ node, key, reader }: Place<MapNode>): void {
  const use = node.entries.get('use');
  if (use?.value.kind !== 'text' || ORIGINAL_IMPLEMENTATIONS.has(use.value.text)) return;
  const reason = 'names an implementation that does not exist here; only the defaults of the original can be given';
  reader.issues.fault({ line: use.line, key: key === '' ? 'use' : `${key}.use`, reason });
}
