/**
 * Delivers by HTTP POST: S3's message is the body. Any 2xx answer is an acknowledgement; redirects are not followed, because
 * credentials would go along.
 *
 * Headers: Authorization as configured; X-Pithos-Event-Id; with a signing secret X-Pithos-Timestamp (seconds since the epoch) and
 * X-Pithos-Signature, 'sha256=' and HMAC-SHA256 of timestamp, '.' and body in hex.
 */
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { WebhookTargetConfig } from '../config/types.js';
import { DeliveryError, deliveryError } from './target.js';
import type { Message, Target } from './target.js';

const IDLE_SOCKETS = 4;

export class WebhookTarget implements Target {
  readonly #config: WebhookTargetConfig;
  readonly #now: () => number;
  readonly #url: URL;
  readonly #agent: http.Agent;
  readonly #request: typeof http.request;

  constructor(config: WebhookTargetConfig, now: () => number) {
    this.#config = config;
    this.#now = now;
    this.#url = new URL(config.url);
    const secure = this.#url.protocol === 'https:';
    const pool = { keepAlive: true, maxFreeSockets: IDLE_SOCKETS };
    const ca = config.caFile === undefined ? {} : { ca: readFileSync(config.caFile) };
    this.#agent = secure ? new https.Agent({ ...pool, ...ca }) : new http.Agent(pool);
    this.#request = secure ? https.request : http.request;
  }

  async deliver(message: Message, signal: AbortSignal): Promise<void> {
    const timeout = AbortSignal.timeout(this.#config.timeoutMs);
    try {
      await this.#post(message, AbortSignal.any([signal, timeout]));
    } catch (error) {
      if (timeout.aborted && !(error instanceof DeliveryError))
        throw new DeliveryError(`POST ${this.#place} was not answered within ${this.#config.timeoutMs} ms`);
      throw deliveryError(`POST ${this.#place}`, error);
    }
  }

  /** Without the query, which may hold a secret. */
  get #place(): string {
    return `${this.#url.origin}${this.#url.pathname}`;
  }

  #post(message: Message, signal: AbortSignal): Promise<void> {
    const body = Buffer.from(message.body, 'utf8');
    return new Promise((resolve, reject) => {
      const request = this.#request(this.#url, {
        method: 'POST',
        agent: this.#agent,
        signal,
        headers: {
          'content-type': 'application/json',
          'content-length': body.length,
          'user-agent': 'Pithos',
          'x-pithos-event-id': message.id,
          ...(this.#config.authorization !== undefined && { authorization: this.#config.authorization }),
          ...this.#signature(body),
        },
      });
      request.once('error', reject);
      request.once('response', (response) => {
        const { statusCode = 0 } = response;
        response.once('error', reject);
        response.once('end', () => {
          if (statusCode >= 200 && statusCode < 300) resolve();
          else reject(new DeliveryError(`POST ${this.#place} was answered ${statusCode}`));
        });
        // What it says is nobody's business, but the connection is good for the next one.
        response.resume();
      });
      request.end(body);
    });
  }

  #signature(body: Buffer): Record<string, string> {
    const { signingSecret } = this.#config;
    if (signingSecret === undefined) return {};
    const timestamp = String(Math.floor(this.#now() / 1000));
    const hmac = createHmac('sha256', signingSecret).update(`${timestamp}.`).update(body).digest('hex');
    return { 'x-pithos-timestamp': timestamp, 'x-pithos-signature': `sha256=${hmac}` };
  }

  async close(): Promise<void> {
    this.#agent.destroy();
  }
}
