/**
 * The other workers of this server, as one of them sees them. Workers remember buckets and access keys for a moment; a change
 * made by one is acknowledged to its client only when the others have forgotten what they remembered, so that a server of several
 * processes behaves like one.
 */
import type { Topic, ToPrimary } from './messages.js';
import { isMessage } from './messages.js';

export interface Peers {
  /** Resolves when no other worker remembers the subject any more, or after ANNOUNCE_TIMEOUT_MS: what is remembered lapses by itself. */
  announce(topic: Topic, subject: string): Promise<void>;
  /** forget runs whenever another worker announces. */
  onAnnounced(topic: Topic, forget: (subject: string) => void): void;
}

/** A worker that hangs must not hang the others. */
export const ANNOUNCE_TIMEOUT_MS = 1_000;

/** A server of one process. */
export const NO_PEERS: Peers = {
  announce: () => Promise.resolve(),
  onAnnounced: () => undefined,
};

/** The part of `process` that is used here. */
export interface Channel {
  send?(message: unknown): unknown;
  on(event: 'message', listener: (message: unknown) => void): unknown;
}

export class WorkerPeers implements Peers {
  readonly #channel: Channel;
  readonly #waiting = new Map<number, () => void>();
  readonly #listeners = new Map<Topic, ((subject: string) => void)[]>();
  #lastId = 0;

  constructor(channel: Channel) {
    this.#channel = channel;
    channel.on('message', (message) => this.#receive(message));
  }

  announce(topic: Topic, subject: string): Promise<void> {
    const id = ++this.#lastId;
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        resolve();
      };
      const timer = setTimeout(done, ANNOUNCE_TIMEOUT_MS);
      this.#waiting.set(id, done);
      this.#send({ kind: 'pithos:announce', id, topic, subject });
    });
  }

  onAnnounced(topic: Topic, forget: (subject: string) => void): void {
    const listeners = this.#listeners.get(topic);
    if (listeners === undefined) this.#listeners.set(topic, [forget]);
    else listeners.push(forget);
  }

  #receive(message: unknown): void {
    if (!isMessage(message)) return;
    if (message.kind === 'pithos:announced') this.#waiting.get(message.id)?.();
    if (message.kind !== 'pithos:forget') return;
    for (const forget of this.#listeners.get(message.topic) ?? []) forget(message.subject);
    this.#send({ kind: 'pithos:forgotten', id: message.id });
  }

  #send(message: ToPrimary): void {
    this.#channel.send?.(message);
  }
}
