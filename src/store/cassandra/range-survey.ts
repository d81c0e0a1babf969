/** Counts the rows of a range in all index tables. */
import type { Session } from './cluster.js';
import { INDEX_TABLES, walkIndex } from './index-tables.js';
import type { RangeSpan } from './range-map.js';
import { mergeSamples, Sampler } from './range-plan.js';
import type { Sample } from './range-plan.js';

export interface Survey {
  readonly rows: number;
  readonly bytes: number;
  /** in order of keys */
  readonly samples: readonly Sample[];
  /** false: there are more rows than were counted */
  readonly complete: boolean;
}

const PAGE_ROWS = 1_000;

export interface SurveyOptions {
  /** Counting ends when there are more. */
  readonly maxRows?: number;
  readonly signal?: AbortSignal;
}

export async function surveyRange(
  session: Session,
  bucket: string,
  span: RangeSpan,
  { maxRows = Number.POSITIVE_INFINITY, signal }: SurveyOptions = {},
): Promise<Survey> {
  let rows = 0;
  let bytes = 0;
  const samples: (readonly Sample[])[] = [];
  const stretch = { from: span.start, inclusive: true, end: span.end };
  for (const table of INDEX_TABLES) {
    const sampler = new Sampler();
    for await (const page of walkIndex(session, table, { bucket, range: span.id }, stretch, PAGE_ROWS)) {
      signal?.throwIfAborted();
      rows += page.length;
      for (const row of page) {
        bytes += row.sizeBytes;
        sampler.add(row.key, row.sizeBytes);
      }
      if (rows > maxRows) return { rows, bytes, samples: [], complete: false };
    }
    samples.push(sampler.samples);
  }
  return { rows, bytes, samples: mergeSamples(samples), complete: true };
}
