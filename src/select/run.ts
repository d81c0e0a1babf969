/**
 * Runs a query over an object and yields the messages of the answer. Nothing is read ahead of what the client takes; memory is
 * that of a few pieces and a record; others get their turn every few milliseconds.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { MemoryBudget } from '../data/budget.js';
import { throwIfAborted } from '../data/interrupt.js';
import type { Statement } from './ast.js';
import type { Progress } from './bytes.js';
import { MAX_PAYLOAD_BYTES, continuationMessage, endMessage, progressMessage, recordsMessage } from './event-stream.js';
import { Query } from './query.js';
import { openSource } from './source.js';
import type { SelectRequest, SelectedObject } from './types.js';

export interface SelectJob {
  readonly request: SelectRequest;
  readonly statement: Statement;
  readonly object: SelectedObject;
  /** For the pages of Parquet objects. */
  readonly budget: MemoryBudget;
  /** ms since the epoch */
  readonly now: () => number;
  readonly signal: AbortSignal;
  /** After how long without a message one is sent to keep the connection. Default 5,000. */
  readonly quietMs?: number;
}

/** How long parsing and evaluating go on before others get their turn. */
const TURN_MS = 10;
/** Records between two looks at the clock. */
const TURN_RECORDS = 8;
/** Results that are collected before they are sent. */
const FLUSH_CHARS = 128 * 1024;
/** How long a client hears nothing unless the job says otherwise. */
const QUIET_MS = 5_000;

/**
 * Records, Cont, Progress (if asked for), Stats and End messages.
 * @throws S3Error, StoreError; what was yielded before stands, and the End message is missing
 */
export async function* selectMessages(job: SelectJob): AsyncGenerator<Buffer, void, void> {
  const { request, statement, object, budget, signal, quietMs = QUIET_MS } = job;
  const progress: Progress = { scanned: 0, processed: 0, returned: 0 };
  const source = await openSource({ request, statement, object, progress, budget, signal });
  const query = new Query({ statement, schema: source.schema, output: request.output, nowMs: job.now() });
  const limit = statement.limit ?? Infinity;
  let results = '';
  let written = 0;
  let heardMs = performance.now();
  let turnMs = heardMs;
  let untilLook = TURN_RECORDS;

  const flush = function* (): Generator<Buffer, void, void> {
    const payload = Buffer.from(results);
    results = '';
    for (let start = 0; start < payload.length; start += MAX_PAYLOAD_BYTES) {
      const part = payload.subarray(start, start + MAX_PAYLOAD_BYTES);
      progress.returned += part.length;
      yield recordsMessage(part);
    }
    if (request.progress) yield progressMessage('Progress', progress);
    heardMs = performance.now();
  };

  if (limit > 0) {
    records: for await (const batch of source.batches(query.columns)) {
      for (const row of batch) {
        untilLook -= 1;
        if (untilLook === 0) {
          untilLook = TURN_RECORDS;
          const nowMs = performance.now();
          if (nowMs - turnMs > TURN_MS) {
            await nextTurn();
            throwIfAborted(signal);
            turnMs = performance.now();
            if (turnMs - heardMs > quietMs) {
              if (results === '') yield continuationMessage();
              yield* flush();
            }
          }
        }
        if (!query.accepts(row)) continue;
        if (statement.aggregates) {
          query.aggregate(row);
          continue;
        }
        results += query.write(row);
        written += 1;
        if (results.length >= FLUSH_CHARS) yield* flush();
        if (written >= limit) break records;
      }
      throwIfAborted(signal);
    }
    if (statement.aggregates) results += query.write([]);
  }
  if (results !== '' || request.progress) yield* flush();
  yield progressMessage('Stats', progress);
  yield endMessage();
}
