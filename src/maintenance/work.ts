/**
 * What a run of fsck has gathered so far: figures, records on disk, problems. With a state file a run that was cut off goes on at its
 * last checkpoint, where all of this was of one moment.
 */
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, open, readFile, rename, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { NO_FIGURES } from './figures.js';
import type { Figures, Problem } from './figures.js';
import { Spill } from './spill.js';
import type { Usage } from './usage.js';

/** Heaps of records of a run. */
const HEAPS = ['blobs', 'references', 'expected', 'listed', 'candidates', 'again'] as const;
export type Heap = (typeof HEAPS)[number];

interface Saved {
  readonly format: 1;
  /** What the run was asked for: another request starts anew. */
  readonly request: string;
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

/** The state file is of another request, or of no fsck at all. */
export class ForeignStateError extends Error {
  override readonly name = 'ForeignStateError';
}

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
    const saved = stateFile === null ? null : await readState(stateFile, options.request);
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
    const file = await open(`${stateFile}.new`, 'w', 0o600);
    await file.writeFile(JSON.stringify(saved));
    await file.datasync();
    await file.close();
    await rename(`${stateFile}.new`, stateFile);
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

async function readState(file: string, request: string): Promise<Saved | null> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
  let saved: Partial<Saved>;
  try {
    saved = JSON.parse(text) as Partial<Saved>;
  } catch {
    throw new ForeignStateError(`${file} is not the state of an fsck`);
  }
  if (saved.format !== 1) throw new ForeignStateError(`${file} is not the state of an fsck of this version`);
  if (saved.request !== request)
    throw new ForeignStateError(`${file} is of an fsck that was asked for something else: remove it to start anew`);
  return saved as Saved;
}
