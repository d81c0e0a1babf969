// Writes the configuration of one node (cassandra.yaml, logback.xml, rack) and the command line of its JVM.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parse, stringify } from 'yaml';

/**
 * What a node's files and command line are made from.
 * @typedef {object} NodeSettings
 * @property {string} dir
 * @property {string} clusterName
 * @property {string} listenAddress
 * @property {readonly string[]} seeds
 * @property {number} nativePort
 * @property {number} storagePort
 * @property {number | undefined} jmxPort
 * @property {number} heapMb
 * @property {string} dc
 * @property {string} rack
 * @property {string} initialToken
 * @property {Readonly<Record<string, unknown>>} extraConfig
 * @property {boolean} volatileSchema
 * @property {readonly string[]} jvmArgs
 * @property {import('./index.d.mts').Tuning} tuning
 */

/** @param {string} dir */
export function configFile(dir) {
  return path.join(dir, 'conf', 'cassandra.yaml');
}

/**
 * The port between nodes of the last start in `dir`: nodes with data know each other by it.
 * @param {string} dir
 * @returns {number | undefined}
 */
export function savedStoragePort(dir) {
  const file = configFile(dir);
  return existsSync(file) ? Number(parse(readFileSync(file, 'utf8')).storage_port) : undefined;
}

/** @param {NodeSettings} settings */
export function writeConfig(settings) {
  const conf = path.join(settings.dir, 'conf');
  for (const folder of ['conf', 'conf/triggers', 'data', 'log', 'tmp']) {
    mkdirSync(path.join(settings.dir, folder), { recursive: true });
  }
  writeFileSync(configFile(settings.dir), stringify({ ...cassandraYaml(settings), ...settings.extraConfig }));
  writeFileSync(path.join(conf, 'logback.xml'), LOGBACK);
  writeFileSync(path.join(conf, 'rackdc.properties'), `dc=${settings.dc}\nrack=${settings.rack}\n`);
}

/** @param {NodeSettings} settings */
function cassandraYaml(settings) {
  const seeds = settings.seeds.map((seed) => `${seed}:${settings.storagePort}`).join(',');
  return {
    cluster_name: settings.clusterName,
    listen_address: settings.listenAddress,
    rpc_address: settings.listenAddress,
    native_transport_port: settings.nativePort,
    storage_port: settings.storagePort,
    seed_provider: [{ class_name: 'org.apache.cassandra.locator.SimpleSeedProvider', parameters: [{ seeds }] }],
    endpoint_snitch: 'GossipingPropertyFileSnitch',
    partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner',
    // One given token and no bootstrap: nodes of a new ring have nothing to stream, and can all start at the same time.
    num_tokens: 1,
    initial_token: settings.initialToken,
    auto_bootstrap: false,
    commitlog_sync: 'periodic',
    commitlog_sync_period: '1s',
    commitlog_total_space: '512MiB',
    // What DESIGN.md builds on.
    storage_compatibility_mode: 'NONE',
    paxos_variant: 'v2',
    default_compaction: {
      class_name: 'UnifiedCompactionStrategy',
      parameters: { scaling_parameters: 'T4', target_sstable_size: '1GiB' },
    },
    // Tests share few cores: a slow answer is not a failed one. Cassandra's own: 2s, 2s, 5s.
    write_request_timeout: '5s',
    cas_contention_timeout: '5s',
    counter_write_request_timeout: '5s',
    // Dropping a test's keyspace should free its space.
    auto_snapshot: false,
  };
}

// To standard output only, which the harness sends to the node's log file.
const LOGBACK = `<configuration>
  <statusListener class="ch.qos.logback.core.status.NopStatusListener"/>
  <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d{ISO8601,UTC} %-5level [%thread] %logger{0} - %msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="out"/></root>
</configuration>
`;

// The inner packages that Cassandra 5.0 and its libraries reach into on JDK 17.
const EXPORTS = [
  'java.base/java.lang.ref',
  'java.base/jdk.internal.misc',
  'java.management.rmi/com.sun.jmx.remote.internal.rmi',
  'java.rmi/sun.rmi.registry',
  'java.rmi/sun.rmi.server',
  'java.sql/java.sql',
  'jdk.attach/sun.tools.attach',
  'jdk.compiler/com.sun.tools.javac.file',
  'jdk.unsupported/sun.misc',
];
const OPENS = [
  'java.base/java.io',
  'java.base/java.lang',
  'java.base/java.lang.module',
  'java.base/java.lang.reflect',
  'java.base/java.nio',
  'java.base/java.util',
  'java.base/jdk.internal.loader',
  'java.base/jdk.internal.math',
  'java.base/jdk.internal.module',
  'java.base/jdk.internal.ref',
  'java.base/jdk.internal.reflect',
  'java.base/jdk.internal.util.jar',
  'java.base/sun.nio.ch',
  'jdk.compiler/com.sun.tools.javac',
  'jdk.management/com.sun.management.internal',
];

/** Access to the JDK's inner packages, for the server and for nodetool. */
export const MODULE_ARGS = [
  ...EXPORTS.map((name) => `--add-exports=${name}=ALL-UNNAMED`),
  ...OPENS.map((name) => `--add-opens=${name}=ALL-UNNAMED`),
];

/** Waits that on one machine need not be as long as on real networks. */
const RING_TIMINGS = {
  // Gossip before a node joins; Cassandra's own: 30000.
  'cassandra.ring_delay_ms': '3000',
  // First guess of the time between two heartbeats, on which it depends how soon a dead node is seen; Cassandra's own: 2000.
  'cassandra.fd_initial_value_ms': '1000',
  // Time given to the news of a shutdown; Cassandra's own: 2000.
  'cassandra.shutdown_announce_in_ms': '500',
};
const SINGLE_NODE_TIMINGS = { 'cassandra.ring_delay_ms': '0', 'cassandra.shutdown_announce_in_ms': '0' };

/**
 * @param {NodeSettings} settings
 * @param {import('./index.d.mts').Install} install
 */
export function jvmCommandLine(settings, install) {
  const { dir, heapMb, seeds } = settings;
  const conf = path.join(dir, 'conf');
  const properties = {
    'jdk.attach.allowAttachSelf': 'true',
    'io.netty.tryReflectionSetAccessible': 'true',
    'java.io.tmpdir': path.join(dir, 'tmp'),
    'jna.tmpdir': path.join(dir, 'tmp'),
    'logback.configurationFile': pathToFileURL(path.join(conf, 'logback.xml')).href,
    'cassandra.config': pathToFileURL(configFile(dir)).href,
    'cassandra-rackdc.properties': pathToFileURL(path.join(conf, 'rackdc.properties')).href,
    'cassandra.storagedir': path.join(dir, 'data'),
    'cassandra.logdir': path.join(dir, 'log'),
    'cassandra.triggers_dir': path.join(conf, 'triggers'),
    'cassandra-foreground': 'yes',
    'cassandra.skip_wait_for_gossip_to_settle': '0',
    ...(seeds.length > 1 || seeds[0] !== settings.listenAddress ? RING_TIMINGS : SINGLE_NODE_TIMINGS),
    'cassandra.consistent.rangemovement': 'false',
    'cassandra.superuser_setup_delay_ms': '0',
    ...(settings.volatileSchema && { 'cassandra.test.flush_local_schema_changes': 'false' }),
    ...(settings.jmxPort !== undefined && { 'cassandra.jmx.local.port': String(settings.jmxPort) }),
  };
  const tuning =
    settings.tuning === 'quickStart'
      ? [`-Xms${Math.min(heapMb, 256)}m`, '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
      : [`-Xms${heapMb}m`, '-XX:+UseG1GC', '-XX:+ParallelRefProcEnabled', '-XX:MaxGCPauseMillis=300'];
  return [
    ...tuning,
    `-Xmx${heapMb}m`,
    '-XX:+ExitOnOutOfMemoryError',
    ...MODULE_ARGS,
    ...Object.entries(properties).map(([name, value]) => `-D${name}=${value}`),
    ...settings.jvmArgs,
    '-cp',
    path.join(install.libDir, '*'),
    'org.apache.cassandra.service.CassandraDaemon',
  ];
}
