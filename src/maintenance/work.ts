/**
 * What a run of fsck has gathered so far: figures, records on disk, problems. With a state file a run that was cut off goes on at its
 * last checkpoint, where all of this was of one moment.
 */
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ForeignStateError, readState, writeState } from './state-file.js';
import type { SavedState } from './state-file.js';
import { NO_FIGURES } from './figures.js';
import type { Figures, Problem } from './figures.js';
import { Spill } from './spill.js';
import type { Usage } from './usage.js';

/** Heaps of records of a run. */
const HEAPS = ['blobs', 'references', 'expected', 'listed', 'candidates', 'again'] as const;
export type Heap = (typeof HEAPS)[number];

interface Saved extends SavedState {
  readonly startedMs: number;
  readonly step: number;
  readonly cursor: string | null;
  readonly figures: Figures;
  readonly usage: readonly (readonly [instance: string, usage: Usage])[];
  readonly heaps: Readonly<Record<Heap, readonly number[]>>;
  readonly problemBytes: number;
}

export interface WorkOptions {
  /** null: nothing is kept */
  readonly stateFile: string | null;
  readonly request: string;
  readonly now: () => number;
}

const WORDS = { command: 'an fsck', other: 'an fsck that was asked for something else' };

export class Work {
  readonly #options: WorkOptions;
  readonly #dir: string;
  readonly #problems: FileHandle;
  #problemBytes: number;
  readonly heaps: Readonly<Record<Heap, Spill>>;
  readonly startedMs: number;
  /** Where the run goes on. */
  readonly step: number;
  readonly cursor: string | null;
  readonly resumed: boolean;
  figures: Figures;
  /** by bucket instance */
  readonly usage: Map<string, Usage>;

  private constructor(parts: {
    readonly options: WorkOptions;
    readonly dir: string;
    readonly saved: Saved | null;
    readonly problems: FileHandle;
  }) {
    const { options, dir, saved, problems } = parts;
    this.#options = options;
    this.#dir = dir;
    this.#problems = problems;
    this.#problemBytes = saved?.problemBytes ?? 0;
    this.startedMs = saved?.startedMs ?? options.now();
    this.step = saved?.step ?? 0;
    this.cursor = saved?.cursor ?? null;
    this.resumed = saved !== null;
    this.figures = saved?.figures ?? NO_FIGURES;
    this.usage = new Map(saved?.usage ?? []);
    const heap = (name: Heap): Spill => new Spill(join(dir, name), { sizes: saved?.heaps[name] });
    this.heaps = Object.fromEntries(HEAPS.map((name) => [name, heap(name)])) as Record<Heap, Spill>;
  }

  /** @throws ForeignStateError */
  static async open(options: WorkOptions): Promise<Work> {
    const { stateFile } = options;
    const saved = stateFile === null ? null : await readState<Saved>(stateFile, options.request, WORDS);
    const dir = stateFile === null ? await mkdtemp(join(tmpdir(), 'pithos-fsck-')) : `${stateFile}.work`;
    if (saved === null) await rm(dir, { recursive: true, force: true });
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const problems = await open(join(dir, 'problems'), saved === null ? 'w+' : 'r+', 0o600);
    await problems.truncate(saved?.problemBytes ?? 0);
    const work = new Work({ options, dir, saved, problems });
    for (const name of HEAPS)
      if (!(await work.heaps[name].isWhole()))
        throw new ForeignStateError(`${dir} lacks what ${stateFile ?? ''} refers to: remove both to start anew`);
    return work;
  }

  count(more: Partial<Record<keyof Figures, number>>): void {
    const figures: Record<string, number> = { ...this.figures };
    for (const [name, value] of Object.entries(more)) figures[name] = (figures[name] ?? 0) + value;
    this.figures = figures as unknown as Figures;
  }

  async report(problem: Problem): Promise<void> {
    this.count({ problems: 1, ...(problem.repaired ? { repaired: 1 } : {}) });
    const line = Buffer.from(`${JSON.stringify(problem)}\n`);
    const at = this.#problemBytes;
    this.#problemBytes += line.length;
    await this.#problems.write(line, 0, line.length, at);
  }

  async relieve(): Promise<void> {
    for (const name of HEAPS) await this.heaps[name].relieve();
  }

  /** From now on a run that is cut off goes on here. */
  async checkpoint(step: number, cursor: string | null): Promise<void> {
    const { stateFile, request } = this.#options;
    if (stateFile === null) return;
    for (const name of HEAPS) await this.heaps[name].sync();
    await this.#problems.datasync();
    const saved: Saved = {
      format: 1,
      request,
      startedMs: this.startedMs,
      step,
      cursor,
      figures: this.figures,
      usage: [...this.usage],
      heaps: Object.fromEntries(HEAPS.map((name) => [name, this.heaps[name].sizes])) as Saved['heaps'],
      problemBytes: this.#problemBytes,
    };
    await writeState(stateFile, saved);
  }

  async *problems(): AsyncGenerator<Problem> {
    if (this.#problemBytes === 0) return;
    const input = createReadStream(join(this.#dir, 'problems'), { end: this.#problemBytes - 1 });
    for await (const line of createInterface({ input })) yield JSON.parse(line) as Problem;
  }

  /** keep: for a run that goes on later, where there is a state file. */
  async close({ keep }: { readonly keep: boolean }): Promise<void> {
    for (const name of HEAPS) await this.heaps[name].close();
    await this.#problems.close();
    const { stateFile } = this.#options;
    if (keep && stateFile !== null) return;
    await rm(this.#dir, { recursive: true, force: true });
    if (stateFile !== null) await rm(stateFile, { force: true });
  }
}
