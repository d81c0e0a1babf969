/**
 * Group commit for plain writes: those to one partition that come while another is under way go together, as one mutation.
 * Listings of a busy bucket would otherwise get their rows one by one, each contending for the same partition.
 */
import type { Statement } from './cluster.js';

interface Waiting {
  readonly statements: readonly Statement[];
  resolve(): void;
  reject(error: unknown): void;
}

export class PartitionBatcher {
  readonly #write: (statements: readonly Statement[]) => Promise<void>;
  readonly #maxStatements: number;
  /** by partition; there while a write is under way */
  readonly #queues = new Map<string, Waiting[]>();

  /** write: all of the statements or, when it throws, perhaps some; they must be repeatable. */
  constructor(write: (statements: readonly Statement[]) => Promise<void>, maxStatements = 64) {
    this.#write = write;
    this.#maxStatements = maxStatements;
  }

  /** Resolves when the statements, all of the named partition, are durable. */
  async add(partition: string, statements: readonly Statement[]): Promise<void> {
    if (statements.length === 0) return;
    const queue = this.#queues.get(partition);
    if (queue !== undefined) {
      return new Promise((resolve, reject) => {
        queue.push({ statements, resolve, reject });
      });
    }
    const waiting: Waiting[] = [];
    this.#queues.set(partition, waiting);
    try {
      await this.#write(statements);
    } finally {
      void this.#drain(partition, waiting);
    }
  }

  async #drain(partition: string, queue: Waiting[]): Promise<void> {
    for (;;) {
      const together: Waiting[] = [];
      let count = 0;
      for (let next = queue[0]; next !== undefined; next = queue[0]) {
        if (count > 0 && count + next.statements.length > this.#maxStatements) break;
        count += next.statements.length;
        together.push(next);
        queue.shift();
      }
      if (together.length === 0) break;
      try {
        await this.#write(together.flatMap(({ statements }) => statements));
        for (const one of together) one.resolve();
      } catch (error) {
        for (const one of together) one.reject(error);
      }
    }
    this.#queues.delete(partition);
  }
}
