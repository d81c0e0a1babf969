/**
 * What a migration has done and found so far. With a state file a run that was cut off goes on at its last checkpoint; findings are
 * kept on disk, so that their number costs no memory.
 */
import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { ForeignStateError, readState, writeState } from '../maintenance/state-file.js';
import type { SavedState } from '../maintenance/state-file.js';

export const NO_FIGURES = {
  /** of the old store, that were gone through */
  buckets: 0,
  bucketsCreated: 0,
  /** rows of objects that were looked at */
  objects: 0,
  /** of them: copied now (on a dry run: would be) */
  migrated: 0,
  /** were here from an earlier run */
  already: 0,
  /** are newer here: left as they are */
  kept: 0,
  /** cannot be taken over: a problem each */
  refused: 0,
  /** rows without data: what the original answers NoSuchKey for */
  empty: 0,
  /** of what was copied */
  bytes: 0,
  /** copied with a checksum that is no MD5: only their sizes were compared */
  sizeOnly: 0,
  unfinishedUploads: 0,
  notes: 0,
  problems: 0,
};
export type Figures = Readonly<typeof NO_FIGURES>;

export type FindingKind =
  /** problems: something was not taken over */
  | 'bucket'
  | 'corrupt'
  | 'row'
  | 'key'
  /** notes */
  | 'acl'
  | 'cors'
  | 'metadata'
  | 'storage-class'
  | 'date'
  | 'size'
  | 'checksum'
  | 'newer'
  | 'empty'
  | 'upload'
  | 'no-bucket';

const PROBLEMS: ReadonlySet<FindingKind> = new Set(['bucket', 'corrupt', 'row', 'key']);

export interface Finding {
  readonly kind: FindingKind;
  readonly bucket: string;
  readonly key?: string;
  readonly what: string;
}

/** As it is in reports. */
export interface Reported extends Finding {
  readonly problem: boolean;
}

export interface Cursor {
  readonly bucket: string;
  /** '' before its first object */
  readonly after: string;
}

interface Saved extends SavedState {
  readonly startedMs: number;
  readonly cursor: Cursor | null;
  readonly figures: Figures;
  readonly findingBytes: number;
}

const WORDS = { command: 'a migration', other: 'a migration of something else' };

export interface JournalOptions {
  /** null: nothing is kept */
  readonly stateFile: string | null;
  readonly request: string;
  readonly now: () => number;
}

export class Journal {
  readonly #options: JournalOptions;
  readonly #file: string;
  readonly #findings: FileHandle;
  #findingBytes: number;
  /** Writes to the file go one after another. */
  #writing: Promise<void> = Promise.resolve();
  readonly startedMs: number;
  readonly resumed: boolean;
  /** Where the run goes on; null: at the beginning. */
  readonly cursor: Cursor | null;
  #figures: Figures;

  private constructor(parts: {
    readonly options: JournalOptions;
    readonly saved: Saved | null;
    readonly file: string;
    readonly findings: FileHandle;
  }) {
    const { options, saved, file, findings } = parts;
    this.#options = options;
    this.#file = file;
    this.#findings = findings;
    this.#findingBytes = saved?.findingBytes ?? 0;
    this.startedMs = saved?.startedMs ?? options.now();
    this.resumed = saved !== null;
    this.cursor = saved?.cursor ?? null;
    this.#figures = saved?.figures ?? NO_FIGURES;
  }

  /** @throws ForeignStateError */
  static async open(options: JournalOptions): Promise<Journal> {
    const { stateFile, request } = options;
    const saved = stateFile === null ? null : await readState<Saved>(stateFile, request, WORDS);
    const file =
      stateFile === null ? join(await mkdtemp(join(tmpdir(), 'pithos-migrate-')), 'findings') : `${stateFile}.findings`;
    const findings = await openFindings(file, saved);
    return new Journal({ options, saved, file, findings });
  }

  get figures(): Figures {
    return this.#figures;
  }

  count(more: Partial<Figures>): void {
    const figures: Record<string, number> = { ...this.#figures };
    for (const [name, value] of Object.entries(more)) figures[name] = (figures[name] ?? 0) + value;
    this.#figures = figures as unknown as Figures;
  }

  async report(finding: Finding): Promise<void> {
    const problem = PROBLEMS.has(finding.kind);
    this.count(problem ? { problems: 1 } : { notes: 1 });
    const reported: Reported = { problem, ...finding };
    const line = Buffer.from(`${JSON.stringify(reported)}\n`);
    const at = this.#findingBytes;
    this.#findingBytes += line.length;
    const written = this.#writing.then(() => writeAll(this.#findings, line, at));
    // Whoever reports next does not fail for it; this one does.
    this.#writing = written.catch(() => undefined);
    await written;
  }

  /** From now on a run that is cut off goes on here. No report may be under way. */
  async checkpoint(cursor: Cursor): Promise<void> {
    const { stateFile, request } = this.#options;
    if (stateFile === null) return;
    await this.#findings.datasync();
    const saved: Saved = {
      format: 1,
      request,
      startedMs: this.startedMs,
      cursor,
      figures: this.#figures,
      findingBytes: this.#findingBytes,
    };
    await writeState(stateFile, saved);
  }

  async *findings(): AsyncGenerator<Reported> {
    if (this.#findingBytes === 0) return;
    const input = createReadStream(this.#file, { end: this.#findingBytes - 1 });
    for await (const line of createInterface({ input })) yield JSON.parse(line) as Reported;
  }

  /** keep: for a run that goes on later, where there is a state file. */
  async close({ keep }: { readonly keep: boolean }): Promise<void> {
    await this.#findings.close();
    const { stateFile } = this.#options;
    if (stateFile === null) await rm(dirname(this.#file), { recursive: true, force: true });
    if (stateFile === null || keep) return;
    // The state first: without its findings it would refer to nothing.
    await rm(stateFile, { force: true });
    await rm(this.#file, { force: true });
  }
}

async function writeAll(file: FileHandle, line: Buffer, at: number): Promise<void> {
  for (let done = 0; done < line.length;)
    done += (await file.write(line, done, line.length - done, at + done)).bytesWritten;
}

async function openFindings(file: string, saved: Saved | null): Promise<FileHandle> {
  let findings: FileHandle;
  try {
    findings = await open(file, saved === null ? 'w+' : 'r+', 0o600);
  } catch (error) {
    if (saved === null || !isAbsence(error)) throw error;
    throw new ForeignStateError(`${file}, which belongs to the state file, is gone: remove the state to start anew`);
  }
  await findings.truncate(saved?.findingBytes ?? 0);
  return findings;
}

function isAbsence(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
