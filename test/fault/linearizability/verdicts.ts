/** Checks every key of a run, and puts what is wrong with a key into words. */
import { checkLinearizable } from './checker.js';
import type { CheckOptions } from './checker.js';
import { byKey, describeOperation, listingHistory, objectHistory } from './history.js';
import type { Operation } from './history.js';
import { checkRegular } from './register.js';

export interface Finding {
  readonly key: string;
  /** Which view of the key: GET, HEAD and conditions, or listings. */
  readonly view: 'object' | 'listing';
  readonly kind: 'violation' | 'undecided';
  readonly reason: string;
  /** The history around the place where no order goes on, a line for each operation. */
  readonly excerpt: readonly string[];
}

export interface Verdicts {
  readonly findings: readonly Finding[];
  /** Histories that were checked: two for each key. */
  readonly checked: number;
  /** Of the hardest one. */
  readonly maxConfigurations: number;
}

const VIEWS = [
  ['object', objectHistory],
  ['listing', listingHistory],
] as const;

/** linearizable: what buckets promise by default; quorum: what quorum buckets promise to one writer at a time. */
export type Mode = 'linearizable' | 'quorum';

export function checkAll(
  operations: readonly Operation[],
  options: CheckOptions & { readonly mode?: Mode } = {},
): Verdicts {
  const findings: Finding[] = [];
  let checked = 0;
  let maxConfigurations = 0;
  for (const [key, ofKey] of byKey(operations)) {
    for (const [view, select] of VIEWS) {
      const history = select(ofKey);
      const verdict = options.mode === 'quorum' ? checkRegular(history) : checkLinearizable(history, options);
      checked += 1;
      maxConfigurations = Math.max(maxConfigurations, verdict.configurations);
      if (verdict.kind === 'undecided')
        findings.push({ key, view, kind: 'undecided', reason: 'the search was given up', excerpt: [] });
      if (verdict.kind === 'violation') {
        const { reason, stuck } = verdict;
        findings.push({ key, view, kind: 'violation', reason, excerpt: excerptOf(history, stuck) });
      }
    }
  }
  return { findings, checked, maxConfigurations };
}

const BEFORE = 14;
const AFTER = 6;

/** What led there, in order of call: what returned before, what runs meanwhile, writes of unknown outcome that may yet matter. */
function excerptOf(history: readonly Operation[], stuck: readonly Operation[]): string[] {
  const sorted = [...history].sort((a, b) => a.callMs - b.callMs);
  const fromMs = sorted[0]?.callMs ?? 0;
  const stuckAt = sorted.findIndex((operation) => stuck.includes(operation));
  const near = new Set([...sorted.slice(Math.max(0, stuckAt - BEFORE), stuckAt + AFTER), ...stuck]);
  const recentMs = (sorted[stuckAt]?.callMs ?? 0) - 30_000;
  const pending = sorted.filter(
    (one) => one.outcome.kind === 'unknown' && one.callMs > recentMs && sorted.indexOf(one) < stuckAt,
  );
  return sorted
    .filter((operation) => near.has(operation) || pending.includes(operation))
    .map((operation) => `${stuck.includes(operation) ? '>' : ' '} ${describeOperation(operation, fromMs)}`);
}
