/**
 * Counters and histograms whose children are plain numbers, which a request changes in nanoseconds; prom-client's own look up their
 * labels on every change. They become samples when somebody scrapes.
 */
import type { Metric, Registry } from 'prom-client';
import { Counter } from 'prom-client';

type Labels = Readonly<Record<string, string>>;

export interface CellOptions {
  readonly registry: Registry;
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
}

/** A child of a counter; add to value. */
export interface Cell {
  value: number;
}

export class CellCounter {
  readonly #cells: { readonly labels: Labels; readonly cell: Cell }[] = [];

  constructor({ registry, name, help, labelNames }: CellOptions) {
    const cells = this.#cells;
    new Counter({
      name,
      help,
      labelNames: [...labelNames],
      registers: [registry],
      collect() {
        this.reset();
        for (const { labels, cell } of cells) this.inc(labels, cell.value);
      },
    });
  }

  /** A new child: keep it, there must be one for the same labels. */
  cell(labels: Labels): Cell {
    const cell: Cell = { value: 0 };
    this.#cells.push({ labels, cell });
    return cell;
  }
}

/** A child of a histogram. */
export class HistogramCell {
  readonly #bounds: readonly number[];
  /** by bucket, not added up; the last one is beyond all bounds */
  readonly counts: Float64Array;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] ?? 0)) bucket++;
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.sum += value;
  }
}

export interface CellHistogramOptions extends CellOptions {
  /** upper ends of buckets, ascending */
  readonly buckets: readonly number[];
}

interface Sample {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

export class CellHistogram {
  readonly #options: CellHistogramOptions;
  readonly #cells: { readonly labels: Labels; readonly cell: HistogramCell }[] = [];

  constructor(options: CellHistogramOptions) {
    this.#options = options;
    const { name, help } = options;
    const metric = {
      name,
      help,
      type: 'histogram',
      aggregator: 'sum',
      get: () => Promise.resolve({ name, help, type: 'histogram', aggregator: 'sum', values: this.#samples() }),
    };
    // All that a registry uses of a metric is its name and get(); its types ask for one of its own classes.
    options.registry.registerMetric(metric as unknown as Metric);
  }

  /** A new child: keep it, there must be one for the same labels. */
  cell(labels: Labels): HistogramCell {
    const cell = new HistogramCell(this.#options.buckets);
    this.#cells.push({ labels, cell });
    return cell;
  }

  #samples(): Sample[] {
    const { name, buckets } = this.#options;
    return this.#cells.flatMap(({ labels, cell }) => {
      let count = 0;
      const samples: Sample[] = [...cell.counts].map((inBucket, index) => {
        count += inBucket;
        return { metricName: `${name}_bucket`, labels: { le: buckets[index] ?? '+Inf', ...labels }, value: count };
      });
      samples.push({ metricName: `${name}_sum`, labels, value: cell.sum });
      samples.push({ metricName: `${name}_count`, labels, value: count });
      return samples;
    });
  }
}
