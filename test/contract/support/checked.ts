/** fsck run to its end, with everything that it found. */
import type { Figures, Problem } from '../../../src/maintenance/figures.js';
import { runFsck } from '../../../src/maintenance/fsck.js';
import type { FsckOptions } from '../../../src/maintenance/fsck.js';
import type { Usage } from '../../../src/maintenance/usage.js';
import type { Stores } from '../../../src/store/types.js';

export interface Checked {
  readonly problems: readonly Problem[];
  readonly figures: Figures;
  readonly usage: ReadonlyMap<string, Usage>;
}

export async function checked(stores: Stores, options: Partial<FsckOptions> = {}): Promise<Checked> {
  const { work } = await runFsck({
    stores,
    bucket: null,
    data: false,
    repair: false,
    minAgeMs: 0,
    perSecond: null,
    stateFile: null,
    signal: new AbortController().signal,
    onProgress: () => undefined,
    now: Date.now,
    settleMs: 200,
    ...options,
  });
  const problems: Problem[] = [];
  for await (const problem of work.problems()) problems.push(problem);
  await work.close({ keep: false });
  return { problems, figures: work.figures, usage: work.usage };
}
