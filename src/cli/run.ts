/** Runs an action that ends: signals, logs, stores, and what its end means for the process. */
import type { ActionCommand, ActionName } from '../config/cli.js';
import { usageOf } from '../config/cli.js';
import type { Config } from '../config/index.js';
import { formatIssue } from '../config/index.js';
import { NO_PEERS } from '../cluster/peers.js';
import { createLogs } from '../observe/logger.js';
import { openStores } from '../open-stores.js';
import type { OpenedStores } from '../open-stores.js';
import { CliUsageError, EXIT } from './context.js';
import type { CliAction, ExitCode } from './context.js';
import { CliOutput } from './output.js';

/** How long an action may take to end after a signal. */
const STOP_MS = 10_000;

/** Loaded when run: a server needs none of them. */
const CLI_ACTIONS: Partial<Record<ActionName, () => Promise<CliAction>>> = {
  buckets: async () => (await import('./buckets.js')).buckets,
  doctor: async () => (await import('./doctor.js')).doctor,
  fsck: async () => (await import('./fsck.js')).fsck,
  gc: async () => (await import('./gc.js')).gc,
  keys: async () => (await import('./keys.js')).keys,
  migrate: async () => (await import('./migrate.js')).migrate,
  quota: async () => (await import('./quota.js')).quota,
  replicate: async () => (await import('./replicate.js')).replicate,
  usage: async () => (await import('./usage.js')).usage,
};

/** Whether the action is one of these. */
export function isCliAction(action: ActionName): boolean {
  return action in CLI_ACTIONS;
}

export interface CliStreams {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

export async function runCliAction(
  command: ActionCommand,
  config: Config,
  { stdout, stderr }: CliStreams,
): Promise<ExitCode> {
  const action = await CLI_ACTIONS[command.action]?.();
  if (action === undefined) throw new TypeError(`${command.action} is not an action that ends`);
  const logs = createLogs(config.logging, { quiet: command.quiet, console: 'stderr' });
  for (const issue of config.warnings) logs.main.warn(formatIssue(issue));
  const output = new CliOutput({ out: stdout, err: stderr });
  const aborter = new AbortController();
  const stop = (): void => {
    aborter.abort(new Error('stopped by a signal'));
    // What does not heed the signal must not keep the process.
    setTimeout(() => process.exit(EXIT.unfinished), STOP_MS).unref();
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  // A reader that went away (| head) is the end of the report, not a crash.
  stdout.on('error', stop);
  let opened: OpenedStores | null = null;
  const stores = async (): Promise<OpenedStores> => {
    opened ??= await openStores(config, { log: logs.store, peers: NO_PEERS });
    await opened.stores.ready();
    return opened;
  };
  try {
    return await action({
      config,
      logs,
      verb: command.verb ?? null,
      options: command.options,
      signal: aborter.signal,
      output,
      stores,
    });
  } catch (error) {
    output.clear();
    if (error instanceof CliUsageError) {
      stderr.write(`pithos: ${error.message}\n\n${usageOf(command.action)}`);
      return EXIT.usage;
    }
    logs.main.debug({ err: error }, 'the action failed');
    stderr.write(`pithos: ${command.action} could not finish: ${reasonOf(error)}\n`);
    return EXIT.unfinished;
  } finally {
    output.clear();
    process.removeListener('SIGTERM', stop);
    process.removeListener('SIGINT', stop);
    await closed(opened);
  }
}

async function closed(opened: OpenedStores | null): Promise<void> {
  await opened?.stores.close().catch(() => undefined);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error && cause.message !== error.message
    ? `${error.message} (${cause.message})`
    : error.message;
}
