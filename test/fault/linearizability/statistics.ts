/** How much was done, how it ended, and how long it took. */
import type { Recorder } from './recorder.js';

export interface Statistics {
  /** Requests with a verdict of their own; a listing counts once. */
  readonly operations: number;
  readonly operationsPerSecond: number;
  /** By kind of request and outcome. */
  readonly outcomes: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly unknown: number;
  /** Refused connections and 409: certainly nothing happened. */
  readonly dropped: number;
  readonly latencyMs: Readonly<Record<string, { readonly p50: number; readonly p99: number; readonly max: number }>>;
}

export function statisticsOf(recorder: Recorder, durationMs: number): Statistics {
  const outcomes: Record<string, Record<string, number>> = {};
  const times: Record<string, number[]> = {};
  let unknown = 0;
  for (const { what, outcome, ms } of recorder.samples) {
    const of = (outcomes[what] ??= {});
    of[outcome] = (of[outcome] ?? 0) + 1;
    (times[what] ??= []).push(ms);
    if (outcome === 'unknown') unknown += 1;
  }
  return {
    operations: recorder.samples.length,
    operationsPerSecond: Math.round(recorder.samples.length / (durationMs / 1000)),
    outcomes,
    unknown,
    dropped: recorder.dropped,
    latencyMs: Object.fromEntries(Object.entries(times).map(([what, list]) => [what, quantiles(list)])),
  };
}

function quantiles(list: readonly number[]): { readonly p50: number; readonly p99: number; readonly max: number } {
  const sorted = [...list].sort((a, b) => a - b);
  const at = (share: number): number => Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? 0);
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
