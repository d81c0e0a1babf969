/**
 * Asks all workers of a server the same question, from a worker or from the primary: for what is only true of the server as a whole
 * (metrics, readiness, throughput). A worker that does not answer in time is left out.
 */
import type { Channel } from './peers.js';
import type { CensusToPrimary, CensusToWorker } from './messages.js';
import { isMessage } from './messages.js';

/** A worker that hangs must not hang who asks. */
export const CENSUS_TIMEOUT_MS = 3_000;

type Answer = () => unknown;

export interface Census {
  /** What the workers answered, this one's too, in no order; values that survive JSON. Waits at most CENSUS_TIMEOUT_MS. */
  gather(topic: string): Promise<readonly unknown[]>;
  /** answer may return a promise; when it fails this worker is left out. */
  onAsked(topic: string, answer: Answer): void;
}

/** A server of one process. */
export class LocalCensus implements Census {
  readonly #answers = new Map<string, Answer>();

  async gather(topic: string): Promise<readonly unknown[]> {
    const value = await within(CENSUS_TIMEOUT_MS, answerOf(this.#answers, topic));
    return value === undefined ? [] : [value];
  }

  onAsked(topic: string, answer: Answer): void {
    this.#answers.set(topic, answer);
  }
}

/** One worker's part. */
export class WorkerCensus implements Census {
  readonly #channel: Channel;
  readonly #answers = new Map<string, Answer>();
  readonly #waiting = new Map<number, (values: readonly unknown[]) => void>();
  #lastId = 0;

  constructor(channel: Channel) {
    this.#channel = channel;
    channel.on('message', (message) => {
      if (!isMessage(message)) return;
      if (message.kind === 'pithos:gathered') this.#waiting.get(message.id)?.(message.values);
      if (message.kind === 'pithos:ask') void this.#tell(message.id, message.topic);
    });
  }

  gather(topic: string): Promise<readonly unknown[]> {
    const id = ++this.#lastId;
    return new Promise((resolve) => {
      const done = (values: readonly unknown[]): void => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        resolve(values);
      };
      // The primary has the same limit for the workers; it may be gone, or busy.
      const timer = setTimeout(() => done([]), 2 * CENSUS_TIMEOUT_MS);
      this.#waiting.set(id, done);
      this.#send({ kind: 'pithos:gather', id, topic });
    });
  }

  onAsked(topic: string, answer: Answer): void {
    this.#answers.set(topic, answer);
  }

  async #tell(id: number, topic: string): Promise<void> {
    this.#send({ kind: 'pithos:told', id, value: (await answerOf(this.#answers, topic)) ?? null });
  }

  #send(message: CensusToPrimary): void {
    this.#channel.send?.(message);
  }
}

/** The part of cluster.Worker that is used here. */
export interface AskedWorker {
  readonly id: number;
  isConnected(): boolean;
  send(message: CensusToWorker): unknown;
}

interface Question {
  /** ids of workers that have not answered */
  readonly missing: Set<number>;
  readonly values: unknown[];
  readonly done: () => void;
}

/** The primary's part: it asks, for itself or for a worker. */
export class PrimaryCensus {
  readonly #workers = new Map<number, AskedWorker>();
  readonly #questions = new Map<number, Question>();
  #lastId = 0;

  join(worker: AskedWorker): void {
    this.#workers.set(worker.id, worker);
  }

  leave(worker: AskedWorker): void {
    this.#workers.delete(worker.id);
    for (const question of this.#questions.values()) missed(question, worker.id);
  }

  receive(from: AskedWorker, message: unknown): void {
    if (!isMessage(message)) return;
    if (message.kind === 'pithos:told') {
      const question = this.#questions.get(message.id);
      if (question?.missing.has(from.id) !== true) return;
      // An answer that failed.
      if (message.value !== null) question.values.push(message.value);
      missed(question, from.id);
    }
    if (message.kind !== 'pithos:gather') return;
    const { id, topic } = message;
    void this.gather(topic).then((values) => {
      if (from.isConnected()) from.send({ kind: 'pithos:gathered', id, values });
    });
  }

  /** As Census.gather. */
  gather(topic: string): Promise<readonly unknown[]> {
    const asked = [...this.#workers.values()].filter((worker) => worker.isConnected());
    const id = ++this.#lastId;
    return new Promise((resolve) => {
      const values: unknown[] = [];
      const done = (): void => {
        clearTimeout(timer);
        this.#questions.delete(id);
        resolve(values);
      };
      const timer = setTimeout(done, CENSUS_TIMEOUT_MS);
      this.#questions.set(id, { missing: new Set(asked.map((worker) => worker.id)), values, done });
      for (const worker of asked) worker.send({ kind: 'pithos:ask', id, topic });
      if (asked.length === 0) done();
    });
  }
}

function missed({ missing, done }: Question, worker: number): void {
  if (missing.delete(worker) && missing.size === 0) done();
}

/** undefined: it cannot be told */
async function answerOf(answers: ReadonlyMap<string, Answer>, topic: string): Promise<unknown> {
  try {
    return await answers.get(topic)?.();
  } catch {
    return undefined;
  }
}

/** undefined after the time-out */
function within(timeoutMs: number, value: Promise<unknown>): Promise<unknown> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), timeoutMs);
    void value.then((result) => {
      clearTimeout(timer);
      resolve(result);
    });
  });
}
