/** A killed node is nothing that clients notice; a lost quorum is 503 with Retry-After, and over when the quorum is back. */
import { beforeAll, describe, expect, it } from 'vitest';
import { startRing } from '../cassandra/index.mjs';
import { runExperiment } from './availability/experiment.js';
import type { Report } from './availability/experiment.js';

describe('two gateways on a ring of three nodes', () => {
  let report: Report;

  beforeAll(async () => {
    const ring = await startRing();
    try {
      report = await runExperiment({ ring, clients: 4, phaseMs: 8_000, progress: () => undefined });
    } finally {
      await ring.stop();
    }
  });

  it('serves on when a node is killed, without an error beyond what the SDK retries', () => {
    expect(report.nodeKilled.failures).toEqual([]);
    expect(report.nodeKilled.requests).toBeGreaterThan(0);
    expect(report.nodeBack.failed).toBe(0);
  });

  it('answers 503 with Retry-After and nothing else while there is no quorum', () => {
    const { answers, failed, requests } = report.quorumLost;
    expect(failed).toBeGreaterThan(0);
    // Answers that were under way when the nodes died may have come.
    expect(requests - failed).toBeLessThan(100);
    // A download that has begun can only break off.
    const allowed = /^(\w+: 503 \w+, Retry-After \d+|GET: 0 \w+, Retry-After none)$/;
    expect(Object.keys(answers).filter((answer) => !allowed.test(answer))).toEqual([]);
  });

  it('holds no more memory meanwhile than its buffers', () => {
    const [before, peak] = report.quorumLost.rssMib;
    expect(peak - before).toBeLessThan(2 * 128);
  });

  it('works again by itself when the nodes are back', () => {
    expect(report.quorumLost.firstSuccessMs).not.toBeNull();
  });

  it('lost and mixed up nothing', () => {
    expect(report.acknowledged).toBeGreaterThan(0);
    expect(report.wrong).toEqual([]);
    expect(report.lost).toEqual([]);
  });
});
