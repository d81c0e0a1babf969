/**
 * How much work one record may cause. An expression that multiplies a long record by a long pattern would otherwise hold up
 * everything else in the process: between records others get their turn, within one they do not.
 */
import { fault } from './fault.js';

/** Steps of about a nanosecond to ten. */
const STEPS_PER_RECORD = 16_000_000;

/** Characters of a value that an expression computes. AWS: maxCharsPerColumn. */
export const MAX_COLUMN_CHARS = 1024 * 1024;

export class Work {
  #left = STEPS_PER_RECORD;

  /** Before a record. */
  begin(): void {
    this.#left = STEPS_PER_RECORD;
  }

  /** @throws S3Error ExternalEvalException */
  charge(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0) throw fault('ExternalEvalException', null, 'the expression takes too long for one record');
  }
}
