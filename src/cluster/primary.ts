/**
 * The primary process: it serves nothing itself, it keeps the workers running. A worker that crashes is replaced and takes none
 * of the others with it; one that cannot even start ends the server, with its exit code.
 */
import cluster from 'node:cluster';
import type { Worker } from 'node:cluster';
import type { Logger } from 'pino';
import { PrimaryCensus } from './census.js';
import type { Reload, Reservation, Reserved, ReservedMessage } from './messages.js';
import { isMessage } from './messages.js';
import { Relay } from './relay.js';

export interface PrimaryOptions {
  readonly workers: number;
  /** Environment of the worker in a slot, 0 to workers - 1; slots outlive their workers. */
  readonly envOf: (slot: number) => Readonly<Record<string, string>>;
  /** Workers still running so long after the signal to end are killed. */
  readonly drainMs: () => number;
  /** Given by who wants to ask the workers; default: only they ask. */
  readonly census?: PrimaryCensus;
  /** The server is about to end. */
  readonly onStopping?: () => void;
  /** Counts the rates that the workers share. */
  readonly rates: { reserve(reservation: Reservation): Reserved };
  /** Reads the configuration again; the workers are told to afterwards. */
  readonly onReload: () => void;
  /** Given what makes the whole server read its configuration again. */
  readonly watch: (reload: () => void) => void;
  readonly log: Logger;
}

const RESPAWN_FIRST_MS = 100;
const RESPAWN_LAST_MS = 5_000;
/** A worker that served so long was well: the next crash starts from the shortest pause. */
const WELL_MS = 60_000;

/** Resolves with the server's exit code when it has ended. */
export function runPrimary(options: PrimaryOptions): Promise<number> {
  return new Promise((resolve) => {
    new Primary(options, resolve).start();
  });
}

interface Slot {
  worker: Worker | null;
  startedMs: number;
  /** it listened once: configuration and port are good */
  served: boolean;
  crashes: number;
}

class Primary {
  readonly #options: PrimaryOptions;
  readonly #ended: (code: number) => void;
  readonly #relay = new Relay();
  readonly #census: PrimaryCensus;
  readonly #slots: Slot[];
  #stopping = false;
  #code = 0;

  constructor(options: PrimaryOptions, ended: (code: number) => void) {
    this.#options = options;
    this.#ended = ended;
    this.#census = options.census ?? new PrimaryCensus();
    this.#slots = Array.from({ length: options.workers }, () => ({
      worker: null,
      startedMs: 0,
      served: false,
      crashes: 0,
    }));
  }

  start(): void {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => this.#stop(signal));
    process.on('SIGHUP', () => this.#reload());
    this.#slots.forEach((_slot, index) => this.#spawn(index));
    this.#options.watch(() => this.#reload());
  }

  #spawn(index: number): void {
    const slot = this.#slots[index];
    if (slot === undefined || this.#stopping) return;
    const worker = cluster.fork({ ...this.#options.envOf(index) });
    Object.assign(slot, { worker, startedMs: performance.now() });
    this.#relay.join(worker);
    this.#census.join(worker);
    worker.on('message', (message: unknown) => {
      this.#relay.receive(worker, message);
      this.#census.receive(worker, message);
      this.#reserve(worker, message);
    });
    worker.on('error', (error) => this.#options.log.error({ err: error, worker: index }, 'a worker is in trouble'));
    worker.on('listening', () => {
      slot.served = true;
    });
    worker.on('exit', (code, signal) => this.#exited(index, worker, { code, signal }));
  }

  #exited(
    index: number,
    worker: Worker,
    { code, signal }: { readonly code: number | null; readonly signal: string | null },
  ): void {
    this.#relay.leave(worker);
    this.#census.leave(worker);
    const slot = this.#slots[index];
    if (slot?.worker !== worker) return;
    slot.worker = null;
    if (this.#stopping) {
      // One that had not come to handling the signal yet ends by it.
      if (code !== 0 && signal !== 'SIGTERM' && this.#code === 0) this.#code = code ?? 1;
      this.#endWhenAlone();
      return;
    }
    if (!slot.served) {
      this.#options.log.fatal({ worker: index, code, signal }, 'a worker could not start');
      this.#code = code === null || code === 0 ? 1 : code;
      this.#stop('SIGTERM');
      return;
    }
    if (performance.now() - slot.startedMs > WELL_MS) slot.crashes = 0;
    const pauseMs = Math.min(RESPAWN_LAST_MS, RESPAWN_FIRST_MS * 2 ** slot.crashes++);
    this.#options.log.error({ worker: index, code, signal, pauseMs }, 'a worker ended: it will be replaced');
    setTimeout(() => this.#spawn(index), pauseMs);
  }

  #reserve(worker: Worker, message: unknown): void {
    if (!isMessage(message) || message.kind !== 'pithos:reserve' || !worker.isConnected()) return;
    const reserved = this.#options.rates.reserve(message);
    worker.send({ kind: 'pithos:reserved', id: message.id, ...reserved } satisfies ReservedMessage);
  }

  #reload(): void {
    this.#options.onReload();
    // By the channel: a signal would end a worker that has only just been started.
    for (const { worker } of this.#slots)
      if (worker?.isConnected() === true) worker.send({ kind: 'pithos:reload' } satisfies Reload);
  }

  #stop(signal: NodeJS.Signals): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#options.onStopping?.();
    this.#options.log.info({ signal }, 'stopping the workers');
    for (const { worker } of this.#slots) worker?.process.kill('SIGTERM');
    setTimeout(() => {
      for (const { worker } of this.#slots) worker?.process.kill('SIGKILL');
    }, this.#options.drainMs()).unref();
    this.#endWhenAlone();
  }

  #endWhenAlone(): void {
    if (this.#slots.every(({ worker }) => worker === null)) this.#ended(this.#code);
  }
}
