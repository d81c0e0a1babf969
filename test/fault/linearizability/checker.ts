/**
 * Is the history of one key linearizable? Depth-first search for an order of the operations that respects real time and the
 * model (Wing and Gong), never entering the same configuration twice (Lowe: what has been linearized, and the state). Histories
 * are checked key by key, which is the same as checking them together (P-compositionality).
 *
 * What keeps the search small, without giving up any answer:
 * - an operation that is legal now and never changes the state is taken at once: moving it to the front of any order that
 *   works leaves one that works;
 * - of operations whose outcome is unknown, those with the same condition and effect are taken in the order of their calls;
 * - such an operation is taken only directly before one that was not legal without it: any other can be left out.
 */
import { compile, isLegal } from './model.js';
import type { CompiledHistory, Step } from './model.js';
import type { Operation } from './history.js';

export type Verdict =
  /** order: how the operations may have happened, one after another; those of unknown outcome that are not in it did not. */
  | { readonly kind: 'linearizable'; readonly order: readonly Operation[]; readonly configurations: number }
  | {
      readonly kind: 'violation';
      readonly reason: string;
      /** The operations that none of the longest orders that work could go on with. */
      readonly stuck: readonly Operation[];
      readonly configurations: number;
    }
  /** The search was given up. */
  | { readonly kind: 'undecided'; readonly configurations: number };

export interface CheckOptions {
  /** When to give up. Default 3,000,000. */
  readonly maxConfigurations?: number;
}

export function checkLinearizable(operations: readonly Operation[], options: CheckOptions = {}): Verdict {
  const { maxConfigurations = 3_000_000 } = options;
  const impossible = impossibleRead(operations);
  if (impossible !== null) {
    const reason = 'it returned a content that nobody had begun to write';
    return { kind: 'violation', reason, stuck: [impossible], configurations: 0 };
  }
  return new Search(compile(operations), maxConfigurations).run();
}

/** A content out of nowhere, or out of the future; the search would find it too, after trying everything else. */
function impossibleRead(operations: readonly Operation[]): Operation | null {
  const written = new Map<string, number>();
  for (const { action, callMs } of operations) {
    if (action.kind === 'write') written.set(action.etag, Math.min(callMs, written.get(action.etag) ?? Infinity));
  }
  for (const operation of operations) {
    const { outcome, returnMs } = operation;
    if (outcome.kind !== 'value' || outcome.etag === null) continue;
    if ((written.get(outcome.etag) ?? Infinity) > returnMs) return operation;
  }
  return null;
}

/** Operations of unknown outcome that differ in nothing but when they were called. */
interface Kin {
  readonly steps: readonly Step[];
  used: number;
}

interface Frame {
  readonly state: number;
  /** Before the operation of unknown outcome that was taken last; null: another one was. */
  readonly without: number | null;
  /** Names the operations of unknown outcome that are used. */
  readonly usedKey: string;
  /** Index of the first required operation that is not linearized. */
  readonly frontier: number;
  readonly choices: readonly Choice[];
  next: number;
  /** How to take back the choice that led here. */
  readonly taken: Choice | null;
}

type Choice =
  | { readonly kind: 'required'; readonly index: number; readonly step: Step }
  | { readonly kind: 'optional'; readonly kin: Kin; readonly step: Step };

class Search {
  readonly #history: CompiledHistory;
  readonly #required: readonly Step[];
  readonly #kin: readonly Kin[];
  readonly #maxConfigurations: number;
  readonly #linearized: Uint8Array;
  readonly #seen = new Set<string>();
  #count = 0;
  #best: { readonly count: number; readonly state: number; readonly stuck: readonly Step[] };

  constructor(history: CompiledHistory, maxConfigurations: number) {
    this.#history = history;
    this.#required = [...history.required].sort((a, b) => a.operation.callMs - b.operation.callMs);
    this.#kin = families(history.optional);
    this.#maxConfigurations = maxConfigurations;
    this.#linearized = new Uint8Array(this.#required.length);
    this.#best = { count: -1, state: 0, stuck: [] };
  }

  run(): Verdict {
    const stack: Frame[] = [this.#frame({ state: 0, without: null, usedKey: '', frontier: 0, taken: null })];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      if (this.#count === this.#required.length) {
        const order = stack.flatMap(({ taken }) => (taken === null ? [] : [taken.step.operation]));
        return { kind: 'linearizable', order, configurations: this.#seen.size };
      }
      const choice = top.choices[top.next];
      top.next += 1;
      if (choice === undefined) {
        if (top.taken !== null) this.#undo(top.taken);
        stack.pop();
        continue;
      }
      const frame = this.#take(top, choice);
      if (frame === null) this.#undo(choice);
      else stack.push(frame);
      if (this.#seen.size > this.#maxConfigurations) return { kind: 'undecided', configurations: this.#seen.size };
    }
    return this.#violation();
  }

  #violation(): Verdict {
    const { state, stuck } = this.#best;
    const reason = `with the key ${this.#history.nameOf(state) ?? 'absent'} none of these can have happened next`;
    return {
      kind: 'violation',
      reason,
      stuck: stuck.map(({ operation }) => operation),
      configurations: this.#seen.size,
    };
  }

  /** null: that configuration led nowhere before. */
  #take(from: Frame, choice: Choice): Frame | null {
    const { step } = choice;
    let { usedKey, frontier } = from;
    if (choice.kind === 'required') {
      this.#linearized[choice.index] = 1;
      this.#count += 1;
      while (this.#linearized[frontier] === 1) frontier += 1;
    } else {
      choice.kin.used += 1;
      usedKey = this.#usedKey();
    }
    const state = step.next ?? from.state;
    const without = choice.kind === 'optional' ? from.state : null;
    const key = `${frontier}${this.#ahead(frontier)}|${state}|${without ?? ''}|${usedKey}`;
    if (this.#seen.has(key)) return null;
    this.#seen.add(key);
    return this.#frame({ state, without, usedKey, frontier, taken: choice });
  }

  #undo(choice: Choice): void {
    if (choice.kind === 'optional') choice.kin.used -= 1;
    else {
      this.#linearized[choice.index] = 0;
      this.#count -= 1;
    }
  }

  #usedKey(): string {
    return this.#kin.map(({ used }, index) => (used === 0 ? '' : `${index}:${used},`)).join('');
  }

  /** The linearized operations behind the frontier: all were called before the frontier's operation returned. */
  #ahead(frontier: number): string {
    let names = '';
    const last = this.#required[frontier]?.operation.returnMs ?? -Infinity;
    for (let i = frontier + 1; (this.#required[i]?.operation.callMs ?? Infinity) <= last; i++)
      if (this.#linearized[i] === 1) names += `,${i}`;
    return names;
  }

  #frame(at: Omit<Frame, 'choices' | 'next'>): Frame {
    const { state, without, frontier } = at;
    const open = this.#open(frontier);
    if (this.#count > this.#best.count) this.#best = { count: this.#count, state, stuck: open.map(({ step }) => step) };
    const free = open.find(({ step }) => step.next === null && isLegal(step, state));
    return { ...at, choices: free !== undefined ? [free] : this.#choices(open, state, without), next: 0 };
  }

  /** The required operations that may be next: called before any that is left returned. */
  #open(frontier: number): (Choice & { readonly kind: 'required' })[] {
    const called: (Choice & { readonly kind: 'required' })[] = [];
    let earliestReturnMs = Infinity;
    for (let index = frontier; ; index++) {
      const step = this.#required[index];
      if (step === undefined || step.operation.callMs > earliestReturnMs) break;
      if (this.#linearized[index] === 1) continue;
      earliestReturnMs = Math.min(earliestReturnMs, step.operation.returnMs);
      called.push({ kind: 'required', index, step });
    }
    return called
      .filter(({ step }) => step.operation.callMs <= earliestReturnMs)
      .sort((a, b) => a.step.operation.returnMs - b.step.operation.returnMs);
  }

  #choices(open: readonly Choice[], state: number, without: number | null): Choice[] {
    const earliestReturnMs = open[0]?.step.operation.returnMs ?? Infinity;
    const maybe = this.#kin.flatMap((kin): Choice[] => {
      const step = kin.steps[kin.used];
      return step === undefined || step.operation.callMs > earliestReturnMs ? [] : [{ kind: 'optional', kin, step }];
    });
    const useful = ({ step }: Choice): boolean => isLegal(step, state) && (without === null || !isLegal(step, without));
    const all = [...open, ...maybe];
    return [
      ...open.filter(useful),
      ...maybe.filter(
        (choice) =>
          useful(choice) &&
          all.some(
            (other) =>
              other !== choice && !isLegal(other.step, state) && isLegal(other.step, choice.step.next ?? state),
          ),
      ),
    ];
  }
}

function families(optional: readonly Step[]): Kin[] {
  const families = new Map<string, Step[]>();
  for (const step of optional) {
    const name = `${step.test} ${step.value} ${step.next}`;
    const family = families.get(name);
    if (family === undefined) families.set(name, [step]);
    else family.push(step);
  }
  return [...families.values()].map((steps) => ({
    steps: steps.sort((a, b) => a.operation.callMs - b.operation.callMs),
    used: 0,
  }));
}
