// HTTP by hand over TCP: requests that no client library sends, bodies sent in pieces, connections that break.
import net from 'node:net';
import type { PithosProcess } from '../support/server.js';
import type { Credentials } from './servers.js';
import { USER_KEY } from './servers.js';
import { signV4 } from './signing.js';

const TIMEOUT_MS = 20_000;

export interface RawResponse {
  readonly status: number;
  /** lower-case names; repeated ones joined with ', ' */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** the error code of an S3 error document; '' without one */
  readonly code: string;
}

/** Request line and header block. */
export function head(method: string, target: string, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

export class RawConnection {
  readonly #socket: net.Socket;
  /** In pieces as they came: joining at each arrival would cost the square of a body's size. */
  #pieces: Buffer[] = [];
  #pendingBytes = 0;
  #pauseAtBytes = Infinity;
  #ended = false;
  #wake: (() => void) | null = null;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    const notify = (): void => this.#wake?.();
    socket.on('data', (data: Buffer) => {
      this.#pieces.push(data);
      this.#pendingBytes += data.length;
      if (this.#pendingBytes >= this.#pauseAtBytes) socket.pause();
      notify();
    });
    socket.on('error', notify);
    for (const event of ['end', 'close'] as const)
      socket.on(event, () => {
        this.#ended = true;
        notify();
      });
  }

  static open(server: Pick<PithosProcess, 'host' | 'port'>): Promise<RawConnection> {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ host: server.host, port: server.port, noDelay: true }, () => {
        socket.off('error', reject);
        resolve(new RawConnection(socket));
      });
      socket.once('error', reject);
    });
  }

  /** Header text is sent one byte per character (Latin-1); use `utf8` for others. */
  async send(data: Buffer | string): Promise<void> {
    const raw = typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
    // A server that has closed already is found out by the response.
    await new Promise<void>((resolve) => this.#socket.write(raw, () => resolve()));
  }

  /** The next response, an interim one (100) too. `bodyless` for answers to HEAD. */
  async response({ bodyless = false }: { readonly bodyless?: boolean } = {}): Promise<RawResponse> {
    const headEnd = await this.#find('\r\n\r\n');
    const lines = this.#take(headEnd + 4)
      .toString('latin1')
      .trimEnd()
      .split('\r\n');
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(lines[0] ?? '')?.[1]);
    const headers: Record<string, string> = {};
    for (const line of lines.slice(1)) {
      const colon = line.indexOf(':');
      const name = line.slice(0, colon).toLowerCase();
      const value = line.slice(colon + 1).trim();
      headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
    }
    const none = bodyless || status < 200 || status === 204 || status === 304;
    const body = none ? Buffer.alloc(0) : await this.#body(headers);
    const code = /<Error>.*?<Code>([^<]*)<\/Code>/s.exec(body.toString('utf8'))?.[1] ?? '';
    return { status, headers, body, code };
  }

  async #body(headers: Readonly<Record<string, string>>): Promise<Buffer> {
    const length = headers['content-length'];
    if (length !== undefined) {
      await this.#until(() => this.#pendingBytes >= Number(length));
      return this.#take(Number(length));
    }
    if (headers['transfer-encoding'] !== 'chunked') {
      await this.ended();
      return this.#take(this.#pendingBytes);
    }
    const pieces: Buffer[] = [];
    for (;;) {
      const size = Number.parseInt(this.#take((await this.#find('\r\n')) + 2).toString('latin1'), 16);
      await this.#until(() => this.#pendingBytes >= size + 2);
      pieces.push(this.#take(size));
      this.#take(2);
      if (size === 0) return Buffer.concat(pieces);
    }
  }

  /** Waits until the server has closed the connection. */
  ended(): Promise<void> {
    return this.#until(() => this.#ended, true);
  }

  /** Bytes received and not yet taken by `response`. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Stops reading: the server's writes stall once the socket's buffers are full. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#pauseAtBytes = Infinity;
    this.#socket.resume();
  }

  /** Reads `sizeBytes` more, and at most one read of the socket beyond that; then it is paused. */
  async gulp(sizeBytes: number): Promise<void> {
    this.#pauseAtBytes = this.#pendingBytes + sizeBytes;
    this.#socket.resume();
    await this.#until(() => this.#pendingBytes >= this.#pauseAtBytes);
  }

  /** Closes the connection at once, as a client that dies does. */
  destroy(): void {
    this.#socket.destroy();
  }

  async #find(mark: string): Promise<number> {
    await this.#until(() => this.#received().includes(mark));
    return this.#received().indexOf(mark);
  }

  async #until(ready: () => boolean, endIsReady = false): Promise<void> {
    const deadlineMs = performance.now() + TIMEOUT_MS;
    while (!ready()) {
      if (this.#ended && !endIsReady)
        throw new Error(
          `the server closed the connection after ${JSON.stringify(this.#received().toString('latin1').slice(0, 300))}`,
        );
      const leftMs = deadlineMs - performance.now();
      if (leftMs <= 0) throw new Error(`no answer after ${TIMEOUT_MS} ms`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = null;
    }
  }

  #take(sizeBytes: number): Buffer {
    const received = this.#received();
    this.#pieces = [received.subarray(sizeBytes)];
    this.#pendingBytes = received.length - Math.min(sizeBytes, received.length);
    return received.subarray(0, sizeBytes);
  }

  #received(): Buffer {
    if (this.#pieces.length !== 1) this.#pieces = [Buffer.concat(this.#pieces)];
    return this.#pieces[0] as Buffer;
  }
}

/** One request on a connection of its own. The headers are sent as they are, with Content-Length when there is a body. */
export async function exchange(
  server: Pick<PithosProcess, 'host' | 'port'>,
  request: {
    readonly method: string;
    readonly target: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: Buffer | string | undefined;
  },
): Promise<RawResponse> {
  const { method, target, body } = request;
  const headers: Record<string, string> = { host: `${server.host}:${server.port}`, ...request.headers };
  const raw = body === undefined ? null : Buffer.from(body);
  if (raw !== null) headers['content-length'] ??= String(raw.length);
  const connection = await RawConnection.open(server);
  try {
    await connection.send(head(method, target, headers));
    if (raw !== null) await connection.send(raw);
    return await connection.response({ bodyless: method === 'HEAD' });
  } finally {
    connection.destroy();
  }
}

/** The same, signed with version 4. */
export function signedExchange(
  server: Pick<PithosProcess, 'host' | 'port'>,
  request: Parameters<typeof exchange>[1] & {
    readonly payload?: string;
    readonly credentials?: Credentials;
    readonly date?: Date;
  },
): Promise<RawResponse> {
  const { method, target, payload, credentials = USER_KEY, date } = request;
  const mark = target.indexOf('?');
  const { headers } = signV4({
    method,
    path: mark < 0 ? target : target.slice(0, mark),
    query: mark < 0 ? '' : target.slice(mark + 1),
    headers: { host: `${server.host}:${server.port}`, ...request.headers },
    credentials,
    ...(payload !== undefined && { payload }),
    ...(date !== undefined && { date }),
  });
  return exchange(server, { ...request, headers });
}
