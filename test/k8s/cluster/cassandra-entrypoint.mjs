// What the entry point of Cassandra's image makes of its environment, for the Cassandra of the test harness: the variables
// CASSANDRA_... become configuration, JVM_EXTRA_OPTS arguments, and the server takes the place of the shell that called it. Not as in
// the image are the heap, which is this machine's, and the waits of a real network, which are short.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { jvmCommandLine, writeConfig } from '../../cassandra/config.mjs';
import { ensureCassandraInstalled } from '../../cassandra/install.mjs';

const HEAP_MB = 512;

/** @param {string} name */
function variable(name) {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}

if (process.argv.slice(2).join(' ') !== 'cassandra -f')
  throw new Error(`started with ${process.argv.slice(2).join(' ')}`);
const settings = {
  dir: path.join(variable('TEST_DATA'), variable('HOSTNAME')),
  clusterName: variable('CASSANDRA_CLUSTER_NAME'),
  listenAddress: variable('TEST_POD_IP'),
  seeds: variable('CASSANDRA_SEEDS').split(','),
  nativePort: 9042,
  storagePort: 7000,
  jmxPort: undefined,
  heapMb: HEAP_MB,
  dc: variable('CASSANDRA_DC'),
  rack: variable('CASSANDRA_RACK'),
  initialToken: '',
  // As in the image's own file.
  extraConfig: {
    endpoint_snitch: variable('CASSANDRA_ENDPOINT_SNITCH'),
    auto_bootstrap: true,
    num_tokens: 16,
    initial_token: null,
    commitlog_sync: 'periodic',
    commitlog_sync_period: '10000ms',
    paxos_variant: 'v1',
  },
  volatileSchema: false,
  // Only one node may join at once.
  jvmArgs: ['-Dcassandra.consistent.rangemovement=true', ...variable('JVM_EXTRA_OPTS').split(/\s+/).filter(Boolean)],
  tuning: /** @type {const} */ ('quickStart'),
};
writeConfig(settings);
const install = await ensureCassandraInstalled();
const server = spawn(install.java, jvmCommandLine(settings, install), { stdio: 'inherit' });
for (const signal of /** @type {const} */ (['SIGTERM', 'SIGINT'])) process.on(signal, () => server.kill(signal));
server.on('exit', (code) => process.exit(code ?? 1));
