// Receivers of event notifications: a webhook that keeps what it gets, and a NATS server.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import type { IncomingHttpHeaders } from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../cassandra/index.mjs';
import { ensureNatsServer } from '../clients/tools.js';
import { boundToThisProcess } from '../support/processes.mjs';

export interface EventRecord {
  readonly eventName: string;
  readonly s3: {
    readonly configurationId: string;
    readonly bucket: { readonly name: string };
    readonly object: {
      readonly key: string;
      readonly size?: number;
      readonly eTag?: string;
      readonly versionId?: string;
      readonly sequencer: string;
    };
  };
  readonly [name: string]: unknown;
}

export interface Delivery {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Of what arrived, the records of a bucket, in the order of arrival. */
export function recordsOf(bodies: readonly string[], bucket: string): EventRecord[] {
  return bodies
    .flatMap((body) => (JSON.parse(body) as { readonly Records?: readonly EventRecord[] }).Records ?? [])
    .filter((record) => record.s3.bucket.name === bucket);
}

/** An HTTP server that takes events, until it is told otherwise. Its port stays the same. */
export class Webhook {
  readonly port: number;
  readonly deliveries: Delivery[] = [];
  /** Status of the answer to a request; 'hang': none comes. */
  answer: (delivery: Delivery) => number | 'hang' = () => 200;
  readonly #tls: https.ServerOptions | null;
  #server: http.Server | null = null;

  private constructor(port: number, tls: https.ServerOptions | null) {
    this.port = port;
    this.#tls = tls;
  }

  static async start(tls: https.ServerOptions | null = null): Promise<Webhook> {
    const webhook = new Webhook(await freePort({ hosts: ['127.0.0.1'] }), tls);
    await webhook.up();
    return webhook;
  }

  url(pathname = '/'): string {
    return `${this.#tls === null ? 'http' : 'https'}://127.0.0.1:${this.port}${pathname}`;
  }

  /** What was taken with 2xx. */
  records(bucket: string, pathname?: string): EventRecord[] {
    const taken = this.deliveries.filter((one) => pathname === undefined || one.path === pathname);
    return recordsOf(
      taken.map(({ body }) => body),
      bucket,
    );
  }

  async up(): Promise<void> {
    const listener: http.RequestListener = (request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const { url = '', headers } = request;
        const delivery: Delivery = { path: url, headers, body: Buffer.concat(parts).toString('utf8') };
        const status = this.answer(delivery);
        if (status === 'hang') return;
        if (status < 300) this.deliveries.push(delivery);
        response.writeHead(status).end();
      });
    };
    const server = this.#tls === null ? http.createServer(listener) : https.createServer(this.#tls, listener);
    this.#server = server;
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
  }

  async down(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  }
}

/** A real nats-server with JetStream. Its port and its streams stay the same. */
export class NatsBroker {
  readonly port: number;
  readonly #dir: string;
  readonly #binary: string;
  readonly #args: readonly string[];
  #child: ChildProcess | null = null;

  private constructor(parts: {
    readonly port: number;
    readonly dir: string;
    readonly binary: string;
    readonly args: readonly string[];
  }) {
    this.port = parts.port;
    this.#dir = parts.dir;
    this.#binary = parts.binary;
    this.#args = parts.args;
  }

  /** args: of nats-server, besides its address and folder */
  static async start(args: readonly string[] = []): Promise<NatsBroker> {
    const binary = await ensureNatsServer();
    const dir = await mkdtemp(path.join(os.tmpdir(), 'pithos-nats-'));
    const broker = new NatsBroker({ port: await freePort({ hosts: ['127.0.0.1'] }), dir, binary, args });
    await broker.up();
    return broker;
  }

  get server(): string {
    return `127.0.0.1:${this.port}`;
  }

  async up(): Promise<void> {
    const args = ['-a', '127.0.0.1', '-p', String(this.port), '-js', '-sd', this.#dir, ...this.#args];
    const command = boundToThisProcess(this.#binary, args);
    const child = spawn(command[0], command[1], { stdio: 'ignore' });
    this.#child = child;
    for (let attempt = 0; !(await answers(this.port)); attempt++) {
      if (child.exitCode !== null || attempt > 300) throw new Error('nats-server did not start');
      await sleep(50);
    }
  }

  async down(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null) return;
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }

  async remove(): Promise<void> {
    await this.down();
    await rm(this.#dir, { recursive: true, force: true });
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    const done = (up: boolean) => {
      socket.destroy();
      resolve(up);
    };
    socket.once('data', () => {
      done(true);
    });
    socket.once('error', () => {
      done(false);
    });
  });
}
