/**
 * Every key is linearizable over gateways with wrong clocks while nodes and gateways are killed, listings show what was
 * acknowledged, and nothing acknowledged is lost; and the checker would have told otherwise. Short; linearizability.mjs runs the
 * same for as long as one likes.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { startRing } from '../cassandra/index.mjs';
import type { CassandraRing } from '../cassandra/index.mjs';
import { runExperiment } from './linearizability/experiment.js';
import type { Report } from './linearizability/experiment.js';
import { byKey } from './linearizability/history.js';
import type { Operation } from './linearizability/history.js';
import { checkAll } from './linearizability/verdicts.js';

/** In the tests' names: what `--seed` of linearizability.mjs takes. */
const seed = Math.floor(Math.random() * 1_000_000);
const MAX_SKEW_MS = 10_000;
/** The clients stop after this long on a machine that is too busy for all operations. */
const MAX_DURATION_MS = 90_000;

const common = {
  seed,
  clients: 18,
  keys: 6,
  operationsPerKey: 300,
  maxSkewMs: MAX_SKEW_MS,
  maxDurationMs: MAX_DURATION_MS,
  progress: () => undefined,
} as const;

function expectNothingWrong({ verdicts, anomalies, lost, archived, operations }: Report): void {
  const findings = verdicts.findings.map(({ key, view, kind, reason, excerpt }) =>
    [`${kind} of ${key} as ${view}: ${reason}`, ...excerpt].join('\n'),
  );
  expect(findings).toEqual([]);
  expect(anomalies).toEqual([]);
  expect(lost).toEqual([]);
  expect(archived).toBeGreaterThan(0);
  // The busiest machine gets that far.
  expect(operations).toBeGreaterThan(300);
}

describe(`linearizability, seed ${seed}`, () => {
  let ring: CassandraRing;
  let report: Report;

  beforeAll(async () => {
    // Synced before it is acknowledged: a killed node must remember what it promised.
    ring = await startRing({ extraConfig: { commitlog_sync: 'batch', commitlog_sync_period: '0ms' } });
    return () => ring.stop();
  });

  it('of three gateways on a ring of three nodes, of which some are killed', { timeout: 600_000 }, async () => {
    report = await runExperiment({
      ...common,
      ring,
      operations: 3_000,
      gateways: 3,
      blows: ['kill-node', 'kill-gateway'],
      pauseMs: { from: 2_000, to: 8_000 },
    });
    expectNothingWrong(report);
    expect(Object.keys(report.blows).sort()).toEqual(['kill-gateway', 'kill-node']);
    const [ahead = 0, behind = 0] = report.clockOffsetsMs;
    expect(ahead - behind).toBeGreaterThan(MAX_SKEW_MS);
  });

  it('would have been found violated, had one last read or listing answered what was no longer there', () => {
    let planted = 0;
    // To prove that no order works takes longer than to find one that does: a few keys are enough.
    for (const [key, operations] of [...byKey(report.history)].slice(0, 3)) {
      for (const listed of [false, true]) {
        const stale = staleRead(operations, listed);
        if (stale === null) continue;
        planted += 1;
        const { findings } = checkAll([...operations, stale]);
        expect(findings.map(({ view, kind }) => `${kind} ${view}`)).toEqual([
          `violation ${listed ? 'listing' : 'object'}`,
        ]);
        expect(findings[0]?.excerpt.join('\n'), key).toContain('planted');
      }
    }
    expect(planted).toBeGreaterThan(0);
  });

  it('is more than a quorum bucket promises: there, what was acknowledged is read', { timeout: 600_000 }, async () => {
    const quorum = await runExperiment({
      ...common,
      ring,
      mode: 'quorum',
      operations: 1_500,
      gateways: 3,
      blows: ['kill-node', 'kill-gateway'],
      pauseMs: { from: 1_000, to: 4_000 },
    });
    expectNothingWrong(quorum);
    expect(Object.keys(quorum.blows).sort()).toEqual(['kill-gateway', 'kill-node']);
    const planted = [...byKey(quorum.history).values()].flatMap((operations) => supersededRead(operations) ?? []);
    expect(planted.length).toBeGreaterThan(0);
    const { findings } = checkAll([...quorum.history, ...planted], { mode: 'quorum' });
    expect(findings.map(({ key, view, kind }) => `${kind} of ${key} as ${view}`).sort()).toEqual(
      planted.map(({ key }) => `violation of ${key} as object`).sort(),
    );
  });

  it('of a gateway on the embedded store that is killed and paused', { timeout: 600_000 }, async () => {
    const blows = ['kill-gateway', 'pause-gateway'] as const;
    const pauseMs = { from: 500, to: 3_000 };
    const embedded = await runExperiment({ ...common, ring: null, operations: 3_000, gateways: 1, blows, pauseMs });
    expectNothingWrong(embedded);
    expect(Object.keys(embedded.blows).sort()).toEqual([...blows]);
  });
});

/** A read after everything else of a content that was read before and then was seen gone; null: there is no such content. */
function staleRead(operations: readonly Operation[], listed: boolean): Operation | null {
  const reads = operations.filter(({ action, listed: row = false }) => action.kind === 'read' && row === listed);
  for (const read of reads) {
    const { outcome } = read;
    if (outcome.kind !== 'value' || outcome.etag === null) continue;
    const { etag } = outcome;
    const gone = reads.some(
      (later) => later.callMs > read.returnMs && later.outcome.kind === 'value' && later.outcome.etag !== etag,
    );
    if (!gone) continue;
    const endMs = Math.max(...operations.map(({ returnMs }) => returnMs));
    return { ...read, id: operations.length, callMs: endMs + 1, returnMs: endMs + 2, note: 'planted' };
  }
  return null;
}

/** A read after everything else of what an acknowledged write has taken the place of; null: there is no such write. */
function supersededRead(operations: readonly Operation[]): Operation | null {
  const made = operations
    .filter(({ action, outcome }) => action.kind !== 'read' && outcome.kind === 'done')
    .sort((a, b) => a.callMs - b.callMs);
  const old = made.slice(0, -1).findLast(({ action }) => action.kind === 'write');
  if (old?.action.kind !== 'write') return null;
  const { etag } = old.action;
  const endMs = Math.max(...operations.map(({ returnMs }) => returnMs));
  const times = { callMs: endMs + 1, returnMs: endMs + 2 };
  return { ...old, id: -1, action: { kind: 'read' }, outcome: { kind: 'value', etag }, ...times, note: 'planted' };
}
