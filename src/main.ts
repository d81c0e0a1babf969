/**
 * The process: the only reader of argv and the environment. Runs actions, and starts what serves: one
 * process, or a primary and its workers.
 */
import cluster from 'node:cluster';
import { existsSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type { Logger } from 'pino';
import { LocalCensus, PrimaryCensus, WorkerCensus } from './cluster/census.js';
import { NO_PEERS, WorkerPeers } from './cluster/peers.js';
import { runPrimary } from './cluster/primary.js';
import { ReloadSignal } from './cluster/reload-signal.js';
import { RemoteRates } from './cluster/remote-rates.js';
import { automaticWorkers } from './cluster/size.js';
import { isCliAction, runCliAction } from './cli/run.js';
import { parseArgs, usage, usageOf } from './config/cli.js';
import type { Config } from './config/index.js';
import { ConfigError, ConfigReloader, describeConfig, formatIssue, loadConfig } from './config/index.js';
import { RateHub } from './limits/rate-hub.js';
import { Rates } from './limits/rates.js';
import { openClusterHealth } from './observe/health.js';
import { createLogs, setLevels } from './observe/logger.js';
import { installSchemaOf } from './install-schema.js';
import { version } from './serve/role.js';
import { serve } from './serve/serve.js';

/** Pithos's own place for its configuration. */
const SYSTEM_CONFIG = '/etc/pithos/pithos.yaml';
/** A worker that does not end by itself after that is killed so much later. */
const KILL_AFTER_MS = 5_000;
/** Tells a worker its slot. */
const WORKER_SLOT = 'PITHOS_WORKER_SLOT';
/** Tells all workers of a server the same id. */
const SERVER_ID = 'PITHOS_SERVER_ID';

/** Runs the command line; resolves with the exit code, or null while the server runs on. */
export async function main(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number | null> {
  const command = parseArgs(argv);
  if (command.kind === 'usage-error') {
    process.stderr.write(command.message);
    return command.exitCode;
  }
  if (command.action === 'help') {
    process.stdout.write(command.topic === null ? usage() : usageOf(command.topic));
    return 0;
  }
  if (command.action === 'version') {
    process.stdout.write(`${version()}\n`);
    return 0;
  }
  let config: Config;
  const path = configPath(command.configPath, env);
  try {
    config = loadConfig({ path, env });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return isCliAction(command.action) ? 3 : 1;
  }
  if (command.action === 'check-config') {
    process.stdout.write(describeConfig(config));
    return 0;
  }
  if (isCliAction(command.action)) return runCliAction(command, config, process);
  const logs = createLogs(config.logging, { quiet: command.quiet });
  for (const issue of config.warnings) logs.main.warn(formatIssue(issue));
  if (command.action === 'bootstrap') return bootstrap(config, logs.main);
  const workers =
    config.service.workers === 'auto'
      ? automaticWorkers({ cores: availableParallelism(), memoryLimitBytes: process.constrainedMemory() })
      : config.service.workers;
  const clock = (): number => performance.now();
  if (workers === 1)
    return serve(config, logs, {
      slot: 0,
      workers,
      peers: NO_PEERS,
      census: new LocalCensus(),
      serverId: randomUUID(),
      rates: new Rates({ source: new RateHub({ now: clock }), remote: false, now: clock }),
      configFile: { path, env },
      reloads: new ReloadSignal(process),
    });
  if (cluster.isPrimary) {
    const serverId = randomUUID();
    const envOf = (slot: number): Record<string, string> => ({ [WORKER_SLOT]: String(slot), [SERVER_ID]: serverId });
    let { drainTimeoutMs } = config.service;
    const reloader = new ConfigReloader({
      path,
      env,
      apply: (next) => {
        ({ drainTimeoutMs } = next.service);
        setLevels(logs, next.logging);
      },
      log: logs.main,
    });
    const census = new PrimaryCensus();
    let stopping = false;
    try {
      await openClusterHealth({
        service: config.service,
        census,
        workers,
        isStopping: () => stopping,
        log: logs.main,
      });
    } catch (error) {
      logs.main.fatal({ err: error }, 'health and metrics cannot be served');
      return 1;
    }
    return runPrimary({
      census,
      workers,
      envOf,
      drainMs: () => drainTimeoutMs + KILL_AFTER_MS,
      rates: new RateHub({ now: clock }),
      onReload: () => reloader.reload(),
      watch: (reload) => reloader.watch(config.options.reloadIntervalMs, reload),
      onStopping: () => {
        stopping = true;
        reloader.stop();
      },
      log: logs.main,
    });
  }
  // Without its primary a worker has no socket to accept from and nobody to end it. It has to die as the primary did, before
  // node:cluster's own listener makes it exit: an exit in the midst of work waits for the embedded store's writer, which waits for
  // this thread, holding the lock that all processes need.
  process.prependListener('disconnect', () => {
    if (cluster.worker?.exitedAfterDisconnect === true) process.exit();
    process.kill(process.pid, 'SIGKILL');
  });
  return serve(config, logs, {
    slot: Number(env[WORKER_SLOT]),
    workers,
    peers: new WorkerPeers(process),
    census: new WorkerCensus(process),
    serverId: env[SERVER_ID] ?? randomUUID(),
    rates: new Rates({ source: new RemoteRates(process), remote: true, now: clock }),
    configFile: { path, env },
    reloads: new ReloadSignal(process),
  });
}

/** -f, else PITHOS_CONFIGURATION, else /etc/pithos/pithos.yaml where it exists, else the built-in defaults. */
function configPath(named: string | null, env: NodeJS.ProcessEnv): string | null {
  if (named !== null) return named;
  const fromEnv = env['PITHOS_CONFIGURATION'];
  if (fromEnv !== undefined && fromEnv !== '') return fromEnv;
  return existsSync(SYSTEM_CONFIG) ? SYSTEM_CONFIG : null;
}

async function bootstrap(config: Config, log: Logger): Promise<number> {
  if (config.store.kind === 'embedded') {
    log.info({ dataDir: config.store.dataDir }, 'the embedded store needs no schema: nothing to do');
    return 0;
  }
  const aborter = new AbortController();
  const stop = (): void => aborter.abort(new Error('stopped by a signal'));
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  try {
    await installSchemaOf(config.store, { log, signal: aborter.signal, waitMs: config.options.storeWaitMs });
    return 0;
  } catch (error) {
    log.fatal({ err: error }, 'the schema could not be installed');
    return 1;
  }
}
