// Keys and certificates for tests of TLS, to Cassandra and to the gateway.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { ensureCassandraInstalled } from './install.mjs';

const execute = promisify(execFile);
const TIMEOUT_MS = 60_000;
const LOOPBACK_ADDRESSES = 8;

/** @type {typeof import('./index.d.mts').tlsMaterial} */
export async function tlsMaterial({ dir, hostnames = [], daysValid = 30 }) {
  const { java } = await ensureCassandraInstalled();
  await mkdir(dir, { recursive: true });
  /** @param {string} name */
  const file = (name) => path.join(path.resolve(dir), name);
  const password = randomBytes(12).toString('hex');
  const days = ['-days', String(daysValid)];
  const names = ['DNS:localhost', ...hostnames.map((name) => `DNS:${name}`)];
  for (let last = 1; last <= LOOPBACK_ADDRESSES; last += 1) names.push(`IP:127.0.0.${last}`);

  await openssl(
    'req',
    '-x509',
    ...NEW_KEY,
    '-keyout',
    file('ca.key'),
    '-out',
    file('ca.pem'),
    ...days,
    '-subj',
    '/CN=test CA',
  );
  /**
   * @param {string} role
   * @param {string} extensions
   */
  const issue = async (role, extensions) => {
    await writeFile(file(`${role}.ext`), extensions);
    await openssl(
      'req',
      ...NEW_KEY,
      '-keyout',
      file(`${role}.key`),
      '-out',
      file(`${role}.csr`),
      '-subj',
      `/CN=${role}`,
    );
    const authority = [
      '-CA',
      file('ca.pem'),
      '-CAkey',
      file('ca.key'),
      '-set_serial',
      `0x${randomBytes(8).toString('hex')}`,
    ];
    const request = ['-in', file(`${role}.csr`), '-extfile', file(`${role}.ext`)];
    await openssl('x509', '-req', ...request, ...authority, ...days, '-out', file(`${role}.pem`));
  };
  // Nodes use the server certificate as clients of each other, too.
  await issue('server', `subjectAltName=${names.join(',')}\nextendedKeyUsage=serverAuth,clientAuth\n`);
  await issue('client', 'extendedKeyUsage=clientAuth\n');

  const server = ['-inkey', file('server.key'), '-in', file('server.pem'), '-certfile', file('ca.pem')];
  await openssl(
    'pkcs12',
    '-export',
    ...server,
    '-out',
    file('keystore.p12'),
    '-name',
    'server',
    '-passout',
    `pass:${password}`,
  );
  const trust = ['-keystore', file('truststore.p12'), '-storetype', 'PKCS12', '-storepass', password];
  const keytool = java === 'java' ? 'keytool' : path.join(path.dirname(java), 'keytool');
  await command(keytool, ['-importcert', '-noprompt', '-alias', 'ca', '-file', file('ca.pem'), ...trust]);

  const stores = {
    keystore: file('keystore.p12'),
    keystore_password: password,
    truststore: file('truststore.p12'),
    truststore_password: password,
    store_type: 'PKCS12',
  };
  return {
    dir: path.resolve(dir),
    caFile: file('ca.pem'),
    serverCertFile: file('server.pem'),
    serverKeyFile: file('server.key'),
    clientCertFile: file('client.pem'),
    clientKeyFile: file('client.key'),
    keystoreFile: stores.keystore,
    truststoreFile: stores.truststore,
    password,
    clientEncryptionOptions: ({ requireClientCert = false } = {}) => ({
      enabled: true,
      optional: false,
      require_client_auth: requireClientCert,
      ...stores,
    }),
    serverEncryptionOptions: () => ({ internode_encryption: 'all', require_client_auth: true, ...stores }),
  };
}

const NEW_KEY = ['-newkey', 'rsa:2048', '-nodes', '-sha256'];

/** @param {...string} args */
async function openssl(...args) {
  await command('openssl', args);
}

/**
 * @param {string} name
 * @param {readonly string[]} args
 */
async function command(name, args) {
  try {
    await execute(name, args, { timeout: TIMEOUT_MS });
  } catch (error) {
    throw new Error(`${name} ${args[0]} failed: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
