/** What every action that ends is given, and how it says how it ended. */
import type { Config } from '../config/index.js';
import type { GivenOptions } from '../config/cli.js';
import type { Logs } from '../observe/logger.js';
import type { OpenedStores } from '../open-stores.js';
import type { CliOutput } from './output.js';

/** Exit codes of the process. */
export const EXIT = { clean: 0, problems: 1, usage: 2, unfinished: 3 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export interface CliContext {
  readonly config: Config;
  /** to standard error: standard output is the report's */
  readonly logs: Logs;
  /** Of those that its row has; null: it has none. */
  readonly verb: string | null;
  /** The action's own, checked against its row. */
  readonly options: GivenOptions;
  /** Aborts on SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  readonly output: CliOutput;
  /** Opens the stores and waits until they can serve; they are closed when the action ends. */
  stores(): Promise<OpenedStores>;
}

export type CliAction = (context: CliContext) => Promise<ExitCode>;

/** What was asked for makes no sense: exit code 2. */
export class CliUsageError extends Error {
  override readonly name = 'CliUsageError';
}

export function textOption(options: GivenOptions, name: string): string | null {
  const value = options[name];
  return typeof value === 'string' ? value : null;
}
