// A small DNS server for tests: A and SRV records over UDP, changeable while it runs, as a cluster's DNS changes when pods move.
// Plain JavaScript, for programs that run beside vitest; types are in dns-server.d.mts.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** @typedef {import('./dns-server.d.mts').SrvRecord} SrvRecord */
/** @typedef {import('./dns-server.d.mts').DnsServer} DnsServer */

const A = 1;
const SRV = 33;
const TYPES = new Map([
  [A, 'A'],
  [28, 'AAAA'],
  [SRV, 'SRV'],
]);
const HEADER_BYTES = 12;
const NO_SUCH_NAME = 3;
/** Response, recursion desired and available. */
const FLAGS = 0x8180;

/** @type {typeof import('./dns-server.d.mts').startDnsServer} */
export async function startDnsServer({ host = '127.0.0.1', port = 0 } = {}) {
  const socket = createSocket('udp4');
  const server = new Server(socket);
  socket.bind(port, host);
  await once(socket, 'listening');
  return server;
}

/** @implements {DnsServer} */
class Server {
  /** @type {string[]} */
  questions = [];
  #socket;
  /** @type {Map<string, readonly string[]>} */
  #addresses = new Map();
  /** @type {Map<string, readonly SrvRecord[]>} */
  #services = new Map();

  /** @param {import('node:dgram').Socket} socket */
  constructor(socket) {
    this.#socket = socket;
    socket.on('message', (query, from) => {
      socket.send(this.#answer(query), from.port, from.address);
    });
  }

  get address() {
    const { address, port } = this.#socket.address();
    return `${address}:${port}`;
  }

  /**
   * @param {string} name
   * @param {readonly string[]} addresses
   */
  setAddresses(name, addresses) {
    this.#addresses.set(name, addresses);
  }

  /**
   * @param {string} name
   * @param {readonly SrvRecord[]} records
   */
  setServices(name, records) {
    this.#services.set(name, records);
  }

  async stop() {
    this.#socket.close();
    await once(this.#socket, 'close');
  }

  /** @param {Buffer} query */
  #answer(query) {
    const { name, type, end } = questionOf(query);
    this.questions.push(`${TYPES.get(type) ?? String(type)} ${name}`);
    const data =
      type === A
        ? (this.#addresses.get(name) ?? []).map((address) => Buffer.from(address.split('.').map(Number)))
        : type === SRV
          ? (this.#services.get(name) ?? []).map(srvData)
          : [];
    const isKnown = (this.#addresses.get(name) ?? this.#services.get(name) ?? []).length > 0;
    const header = Buffer.alloc(HEADER_BYTES);
    query.copy(header, 0, 0, 2);
    header.writeUInt16BE(FLAGS | (isKnown ? 0 : NO_SUCH_NAME), 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(data.length, 6);
    return Buffer.concat([header, query.subarray(HEADER_BYTES, end), ...data.map((bytes) => record(type, bytes))]);
  }
}

/** @param {Buffer} query */
function questionOf(query) {
  /** @type {string[]} */
  const labels = [];
  let at = HEADER_BYTES;
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

/**
 * For the name of the question, not to be remembered.
 * @param {number} type
 * @param {Buffer} data
 */
function record(type, data) {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc000 | HEADER_BYTES, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(0, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

/** @param {SrvRecord} record */
function srvData({ target, port }) {
  const numbers = Buffer.alloc(6);
  numbers.writeUInt16BE(port, 4);
  const labels = target
    .split('.')
    .map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`, 'latin1'));
  return Buffer.concat([numbers, ...labels, Buffer.of(0)]);
}
