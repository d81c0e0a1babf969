/**
 * Publishes on NATS. With a stream configured, JetStream's acknowledgement is waited for: the message is stored then, once, as its
 * id makes repetitions recognisable. Without one, the server has it when it answers the ping behind it; who listens is its affair.
 *
 * A connection that breaks is given up and made anew by the next delivery: nothing waits in the client's buffers that counts as
 * failed here.
 */
import { readFileSync } from 'node:fs';
import { jetstream } from '@nats-io/jetstream';
import { connect, credsAuthenticator, headers } from '@nats-io/transport-node';
import type { NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node';
import type { NatsTargetConfig } from '../config/types.js';
import { DeliveryError, deliveryError } from './target.js';
import type { Message, Target } from './target.js';

export class NatsTarget implements Target {
  readonly #config: NatsTargetConfig;
  #connection: Promise<NatsConnection> | null = null;

  constructor(config: NatsTargetConfig) {
    this.#config = config;
  }

  async deliver({ id, body }: Message, signal: AbortSignal): Promise<void> {
    const { subject, stream, timeoutMs } = this.#config;
    try {
      signal.throwIfAborted();
      const connection = await this.#connected();
      if (stream === undefined) {
        const messageHeaders = headers();
        messageHeaders.set('Nats-Msg-Id', id);
        connection.publish(subject, body, { headers: messageHeaders });
        await within(connection.flush(), timeoutMs, signal);
      } else {
        const options = { msgID: id, timeout: timeoutMs, expect: { streamName: stream } };
        await within(jetstream(connection).publish(subject, body, options), timeoutMs, signal);
      }
    } catch (error) {
      throw deliveryError(`publishing on NATS subject ${subject}${stream === undefined ? '' : ` (${stream})`}`, error);
    }
  }

  #connected(): Promise<NatsConnection> {
    if (this.#connection !== null) return this.#connection;
    const connecting = connect(this.#options());
    this.#connection = connecting;
    const forget = (): void => {
      if (this.#connection === connecting) this.#connection = null;
    };
    void connecting.then((connection) => connection.closed().then(forget), forget);
    return connecting;
  }

  #options(): NodeConnectionOptions {
    const { servers, username, password, token, credentialsFile, timeoutMs } = this.#config;
    // The client itself does not look at the scheme.
    const tls = this.#config.tls ?? (servers.some((url) => url.startsWith('tls://')) ? { verify: true } : undefined);
    return {
      servers: [...servers],
      name: 'pithos',
      reconnect: false,
      timeout: timeoutMs,
      ...(username !== undefined && { user: username }),
      ...(password !== undefined && { pass: password }),
      ...(token !== undefined && { token }),
      // Read anew for each connection: credentials get replaced.
      ...(credentialsFile !== undefined && { authenticator: credsAuthenticator(readFileSync(credentialsFile)) }),
      ...(tls !== undefined && {
        tls: {
          rejectUnauthorized: tls.verify,
          ...(tls.caFile !== undefined && { caFile: tls.caFile }),
          ...(tls.certFile !== undefined && { certFile: tls.certFile }),
          ...(tls.keyFile !== undefined && { keyFile: tls.keyFile }),
        },
      }),
    };
  }

  async close(): Promise<void> {
    const connection = await this.#connection?.catch(() => null);
    await connection?.close();
  }
}

/** @throws DeliveryError when it takes longer; the signal's reason */
async function within<T>(work: Promise<T>, timeoutMs: number, signal: AbortSignal): Promise<T> {
  let give: (error: unknown) => void = () => undefined;
  const given = new Promise<never>((_resolve, reject) => {
    give = reject;
  });
  const timer = setTimeout(() => {
    give(new DeliveryError(`no answer within ${timeoutMs} ms`));
  }, timeoutMs);
  const stop = (): void => {
    give(signal.reason);
  };
  signal.addEventListener('abort', stop);
  work.catch(() => undefined);
  try {
    return await Promise.race([work, given]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}
