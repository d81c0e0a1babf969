// Counters and histograms of plain numbers, as a registry shows them, alone and added up.
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { CellCounter, CellHistogram } from '../../../src/observe/cells.js';
import { addExpositions } from '../../../src/observe/metrics.js';

function registryOf(observed: readonly number[]): Registry {
  const registry = new Registry();
  const counter = new CellCounter({ registry, name: 'things_total', help: 'things', labelNames: ['kind'] });
  const histogram = new CellHistogram({
    registry,
    name: 't_seconds',
    help: 't',
    labelNames: ['kind'],
    buckets: [1, 2],
  });
  const [cell, times] = [counter.cell({ kind: 'a' }), histogram.cell({ kind: 'a' })];
  counter.cell({ kind: 'b' });
  for (const value of observed) {
    cell.value++;
    times.observe(value);
  }
  return registry;
}

const samples = (text: string): string[] => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

describe('cells', () => {
  it('become samples, histograms with counts that are added up', async () => {
    const registry = registryOf([0.5, 1, 1.5, 3]);
    const expected = [
      'things_total{kind="a"} 4',
      'things_total{kind="b"} 0',
      't_seconds_bucket{le="1",kind="a"} 2',
      't_seconds_bucket{le="2",kind="a"} 3',
      't_seconds_bucket{le="+Inf",kind="a"} 4',
      't_seconds_sum{kind="a"} 6',
      't_seconds_count{kind="a"} 4',
    ];
    expect(samples(await registry.metrics())).toEqual(expected);
    // Reading changes nothing.
    expect(samples(await registry.metrics())).toEqual(expected);
    expect(await registry.metrics()).toContain('# TYPE t_seconds histogram');
  });

  it('of several processes are added', async () => {
    const parts = [registryOf([0.5, 3]), registryOf([1.5])].map(
      async (registry) =>
        // As it comes over a channel.
        JSON.parse(JSON.stringify(await registry.getMetricsAsJSON())) as object,
    );
    const { text } = await addExpositions(await Promise.all(parts));
    expect(samples(text)).toEqual(
      expect.arrayContaining([
        'things_total{kind="a"} 3',
        't_seconds_bucket{le="1",kind="a"} 1',
        't_seconds_bucket{le="2",kind="a"} 2',
        't_seconds_bucket{le="+Inf",kind="a"} 3',
        't_seconds_sum{kind="a"} 5',
        't_seconds_count{kind="a"} 3',
      ]),
    );
  });
});
