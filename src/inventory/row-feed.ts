/** Pages of rows as runs of any length, so that one file can end and the next begin within a page. */
import type { Row } from './columns.js';

export class RowFeed {
  readonly #pages: AsyncIterator<readonly Row[]>;
  #page: readonly Row[] = [];
  #at = 0;
  #ended = false;

  constructor(pages: AsyncIterable<readonly Row[]>) {
    this.#pages = pages[Symbol.asyncIterator]();
  }

  /** Whether there is another row. */
  async more(): Promise<boolean> {
    while (this.#at >= this.#page.length && !this.#ended) {
      const next = await this.#pages.next();
      if (next.done === true) this.#ended = true;
      else {
        this.#page = next.value;
        this.#at = 0;
      }
    }
    return !this.#ended;
  }

  /** At least one row, of one page, and no more than the limit; none when there is none left. */
  async take(limit: number): Promise<readonly Row[]> {
    if (!(await this.more())) return [];
    const rows = this.#page.slice(this.#at, this.#at + limit);
    this.#at += rows.length;
    return rows;
  }

  /** Nobody takes any more. */
  async close(): Promise<void> {
    this.#ended = true;
    await this.#pages.return?.();
  }
}
