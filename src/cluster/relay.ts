/** The primary's part of Peers: passes an announcement on to all other workers and answers when they have obeyed. */
import type { ToWorker } from './messages.js';
import { isMessage } from './messages.js';

/** The part of cluster.Worker that is used here. */
export interface RelayedWorker {
  readonly id: number;
  isConnected(): boolean;
  send(message: ToWorker): unknown;
}

interface Pending {
  readonly from: RelayedWorker;
  /** of the announcement, as its worker numbers it */
  readonly announceId: number;
  /** ids of workers that have not answered */
  readonly missing: Set<number>;
}

export class Relay {
  readonly #workers = new Map<number, RelayedWorker>();
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;

  join(worker: RelayedWorker): void {
    this.#workers.set(worker.id, worker);
  }

  /** A worker that is gone remembers nothing. */
  leave(worker: RelayedWorker): void {
    this.#workers.delete(worker.id);
    for (const [id, pending] of this.#pending) {
      if (pending.from === worker) this.#pending.delete(id);
      else this.#answered(id, worker);
    }
  }

  receive(from: RelayedWorker, message: unknown): void {
    if (!isMessage(message)) return;
    if (message.kind === 'pithos:forgotten') this.#answered(message.id, from);
    if (message.kind !== 'pithos:announce') return;
    const others = [...this.#workers.values()].filter((worker) => worker !== from && worker.isConnected());
    const id = ++this.#lastId;
    this.#pending.set(id, { from, announceId: message.id, missing: new Set(others.map((worker) => worker.id)) });
    const { topic, subject } = message;
    for (const worker of others) worker.send({ kind: 'pithos:forget', id, topic, subject });
    this.#finishIfComplete(id);
  }

  #answered(id: number, worker: RelayedWorker): void {
    this.#pending.get(id)?.missing.delete(worker.id);
    this.#finishIfComplete(id);
  }

  #finishIfComplete(id: number): void {
    const pending = this.#pending.get(id);
    if (pending === undefined || pending.missing.size > 0) return;
    this.#pending.delete(id);
    if (pending.from.isConnected()) pending.from.send({ kind: 'pithos:announced', id: pending.announceId });
  }
}
