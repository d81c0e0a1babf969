/**
 * Where an action writes: its report to standard output, waiting for a reader that is slower; how far it is to standard error, as
 * a bar on a terminal and as a line now and then elsewhere.
 */
import { once } from 'node:events';

export interface OutputStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): boolean;
  once(event: string, listener: (...args: unknown[]) => void): unknown;
}

export interface Progress {
  /** what is being done */
  readonly label: string;
  /** of it, 0 to 1; null: not known */
  readonly fraction: number | null;
  /** what was found so far, in a few words */
  readonly detail: string;
}

const BAR_MS = 100;
const LINE_MS = 5_000;
const BAR_WIDTH = 24;

export class CliOutput {
  readonly #out: OutputStream;
  readonly #err: OutputStream;
  readonly #now: () => number;
  #shownMs = Number.NEGATIVE_INFINITY;
  #barShown = false;

  constructor(streams: { readonly out: OutputStream; readonly err: OutputStream; readonly now?: () => number }) {
    this.#out = streams.out;
    this.#err = streams.err;
    this.#now = streams.now ?? (() => performance.now());
  }

  /** Part of the report; resolves when there is room for more. */
  async write(text: string): Promise<void> {
    this.clear();
    if (!this.#out.write(text)) await once(this.#out as unknown as NodeJS.EventEmitter, 'drain');
  }

  async line(text: string): Promise<void> {
    await this.write(`${text}\n`);
  }

  /** To standard error. */
  note(text: string): void {
    this.clear();
    this.#err.write(`${text}\n`);
  }

  /** May be called as often as anything happens. */
  progress(progress: Progress): void {
    const now = this.#now();
    const terminal = this.#err.isTTY === true;
    if (now - this.#shownMs < (terminal ? BAR_MS : LINE_MS)) return;
    this.#shownMs = now;
    if (!terminal) {
      this.#err.write(`${lineOf(progress)}\n`);
      return;
    }
    this.#err.write(`\r\u001b[K${barOf(progress).slice(0, Math.max(20, (this.#err.columns ?? 80) - 1))}`);
    this.#barShown = true;
  }

  /** Takes the bar off the terminal. */
  clear(): void {
    if (this.#barShown) this.#err.write('\r\u001b[K');
    this.#barShown = false;
  }
}

function barOf({ label, fraction, detail }: Progress): string {
  if (fraction === null) return `${label}: ${detail}`;
  const filled = Math.round(Math.min(1, Math.max(0, fraction)) * BAR_WIDTH);
  return `[${'#'.repeat(filled)}${'-'.repeat(BAR_WIDTH - filled)}] ${percent(fraction)} ${label}: ${detail}`;
}

function lineOf({ label, fraction, detail }: Progress): string {
  return `${label}${fraction === null ? '' : ` ${percent(fraction)}`}: ${detail}`;
}

function percent(fraction: number): string {
  return `${String(Math.floor(Math.min(1, Math.max(0, fraction)) * 100)).padStart(3)} %`;
}
