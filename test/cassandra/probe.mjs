// Asks a CQL port whether it answers, without credentials.
import { connect } from 'node:net';

/** An OPTIONS request of native protocol v4: the one request that is allowed before STARTUP and authentication. */
const OPTIONS_REQUEST = Buffer.from([0x04, 0, 0, 0, 0x05, 0, 0, 0, 0]);
const OPCODE_SUPPORTED = 0x06;
const OPCODE_OFFSET = 4;
const TIMEOUT_MS = 2_000;

/**
 * True when the server at the port answers an OPTIONS request. With `tls`, when it accepts connections: the harness holds no
 * client certificate that it could shake hands with.
 * @param {{ host: string, port: number, tls: boolean }} target
 * @returns {Promise<boolean>}
 */
export function answersCql({ host, port, tls }) {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    /** @param {boolean} answer */
    const finish = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    let received = Buffer.alloc(0);
    socket.setTimeout(TIMEOUT_MS, () => finish(false));
    socket.once('error', () => finish(false));
    socket.once('end', () => finish(false));
    socket.once('connect', () => (tls ? finish(true) : socket.write(OPTIONS_REQUEST)));
    socket.on('data', (data) => {
      received = Buffer.concat([received, data]);
      if (received.length > OPCODE_OFFSET) finish(received[OPCODE_OFFSET] === OPCODE_SUPPORTED);
    });
  });
}
