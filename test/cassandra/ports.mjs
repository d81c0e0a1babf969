// Finds free ports for servers under test.
import { createServer } from 'node:net';
import { randomInt } from 'node:crypto';

// Below 32768, where Linux and others begin to draw the ports of outgoing connections: a port found here is still free when a
// killed server is started again.
const FIRST_PORT = 20_000;
const LAST_PORT = 31_999;
const TRIES = 200;

/** @type {typeof import('./index.d.mts').freePort} */
export async function freePort({ hosts = ['127.0.0.1'] } = {}) {
  const [first, last] = rangeOf(process.env['PITHOS_TEST_PORTS']);
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const port = randomInt(first, last + 1);
    if (await isFree(port, hosts)) return port;
  }
  throw new Error(`No free port on ${hosts.join(', ')} in ${TRIES} tries`);
}

/**
 * A port that one run has found and not opened yet is free to another run that looks: runs beside each other get ranges of their own.
 * @param {string | undefined} text FIRST-LAST
 * @returns {[number, number]}
 */
function rangeOf(text) {
  if (text === undefined || text === '') return [FIRST_PORT, LAST_PORT];
  const [, first, last] = /^(\d+)-(\d+)$/.exec(text) ?? [];
  if (first === undefined || Number(first) > Number(last))
    throw new Error(`PITHOS_TEST_PORTS is FIRST-LAST, not ${text}`);
  return [Number(first), Number(last)];
}

/**
 * @param {number} port
 * @param {readonly string[]} hosts
 */
async function isFree(port, hosts) {
  for (const host of hosts) if (!(await canListen(port, host))) return false;
  return true;
}

/**
 * @param {number} port
 * @param {string} host
 * @returns {Promise<boolean>}
 */
function canListen(port, host) {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (/** @type {NodeJS.ErrnoException} */ error) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false);
      else if (error.code === 'EADDRNOTAVAIL') {
        reject(
          new Error(`${host} is not an address of this machine (macOS: ifconfig lo0 alias ${host})`, { cause: error }),
        );
      } else reject(error);
    });
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
