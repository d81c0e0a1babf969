/**
 * The process: the only reader of argv and the environment. Wires configuration, stores and the application, listens, and
 * drains on SIGTERM and SIGINT.
 */
import cluster from 'node:cluster';
import { existsSync, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { AccessLog } from './accesslog/access-log.js';
import { LogDeliverer } from './accesslog/deliver.js';
import { buildApp } from './app.js';
import { Authenticator } from './auth/authenticator.js';
import type { Peers } from './cluster/peers.js';
import { NO_PEERS, WorkerPeers } from './cluster/peers.js';
import { runPrimary } from './cluster/primary.js';
import { automaticWorkers } from './cluster/size.js';
import { isCliAction, runCliAction } from './cli/run.js';
import { parseArgs, usage, usageOf } from './config/cli.js';
import type { Config } from './config/index.js';
import { ConfigError, describeConfig, formatIssue, loadConfig } from './config/index.js';
import { MemoryBudget } from './data/budget.js';
import { DeliveryRunner } from './events/delivery-runner.js';
import { Targets } from './events/targets.js';
import { LifecycleRunner } from './gc/lifecycle.js';
import { Sweeper } from './gc/sweeper.js';
import { openIam } from './iam/iam-setup.js';
import { configKeyStore } from './iam/key-store.js';
import { InventoryRunner } from './inventory/runner.js';
import type { Logs } from './observe/logger.js';
import { createLogs } from './observe/logger.js';
import { openStores } from './open-stores.js';
import { corsRulesOf } from './s3/bucket-cors.js';
import type { Services } from './s3/context.js';
import { OPERATIONS } from './s3/operations.js';
import { OperationResolver } from './s3/resolve.js';
import { Website } from './website/website.js';
import { installSchemaOf } from './install-schema.js';

/** Pithos's own place for its configuration. */
const SYSTEM_CONFIG = '/etc/pithos/pithos.yaml';
/** Requests still running after this long are cut off at shutdown, ms. */
const DRAIN_MS = 25_000;
/** A worker that does not end by itself after that is killed so much later. */
const KILL_AFTER_MS = 5_000;
/** How long what is left of a server that has stopped may keep its process alive. */
const LINGER_MS = 1_000;
/** Tells a worker its slot. */
const WORKER_SLOT = 'PITHOS_WORKER_SLOT';
const MAX_HEADER_BYTES = 64 * 1024;
const MAX_XML_BYTES = 4 * 1024 * 1024;

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
  try {
    config = loadConfig({ path: configPath(command.configPath, env), env });
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
  if (workers === 1) return serve(config, logs, { slot: 0, workers, peers: NO_PEERS });
  if (cluster.isPrimary) {
    const envOf = (slot: number): Record<string, string> => ({ [WORKER_SLOT]: String(slot) });
    return runPrimary({ workers, envOf, drainMs: DRAIN_MS + KILL_AFTER_MS, log: logs.main });
  }
  // Without its primary a worker has no socket to accept from and nobody to end it. It has to die as the primary did, before
  // node:cluster's own listener makes it exit: an exit in the midst of work waits for the embedded store's writer, which waits for
  // this thread, holding the lock that all processes need.
  process.prependListener('disconnect', () => {
    if (cluster.worker?.exitedAfterDisconnect === true) process.exit();
    process.kill(process.pid, 'SIGKILL');
  });
  return serve(config, logs, { slot: Number(env[WORKER_SLOT]), workers, peers: new WorkerPeers(process) });
}

/** Which of the server's processes this is. */
interface WorkerRole {
  /** 0 to workers - 1; the first one also does what one process is enough for */
  readonly slot: number;
  readonly workers: number;
  readonly peers: Peers;
}

/** -f, else PITHOS_CONFIGURATION, else /etc/pithos/pithos.yaml where it exists, else the built-in defaults. */
function configPath(named: string | null, env: NodeJS.ProcessEnv): string | null {
  if (named !== null) return named;
  const fromEnv = env['PITHOS_CONFIGURATION'];
  if (fromEnv !== undefined && fromEnv !== '') return fromEnv;
  return existsSync(SYSTEM_CONFIG) ? SYSTEM_CONFIG : null;
}

function version(): string {
  const text = readFileSync(fileURLToPath(new URL('../package.json', import.meta.url)), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
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
    await installSchemaOf(config.store, { log, signal: aborter.signal });
    return 0;
  } catch (error) {
    log.fatal({ err: error }, 'the schema could not be installed');
    return 1;
  }
}

async function serve(config: Config, logs: Logs, role: WorkerRole): Promise<number | null> {
  const log = logs.main;
  const shareOf = (total: number): number => Math.ceil(total / role.workers);
  if (config.usesExampleKeys && role.slot === 0)
    log.warn(
      { host: config.service.host },
      'EXAMPLE KEYS: this server accepts the access keys published in the documentation. Anybody who reaches it can read and write everything. Configure keystore.keys before you let others connect.',
    );
  const now = Date.now;
  const { stores, encryption, masterKeys } = await openStores(config, logs.store, role.peers);
  const master = { access: config.options.masterkeyAccess, masquerade: config.options.masterkeyProvisioning };
  const { keyStore, queryApi } = openIam({
    store: stores.iam,
    configured: configKeyStore(config.keystore.keys),
    masterKeys: masterKeys.map(({ key }) => key),
    master,
    maxSkewMs: config.options.maxSkewMs,
    now,
    log: logs.requests,
    peers: role.peers,
  });
  const targets = new Targets(config.notifications, now);
  const services: Services = {
    stores,
    encryption,
    authenticator: new Authenticator({
      lookup: (accessKey, sessionToken) => keyStore.get(accessKey, sessionToken),
      now,
      maxSkewMs: config.options.maxSkewMs,
    }),
    directory: keyStore.directory,
    budget: new MemoryBudget({ limitBytes: shareOf(config.limits.maxBufferMemoryBytes) }),
    selectBudget: new MemoryBudget({ limitBytes: shareOf(config.limits.maxBufferMemoryBytes) }),
    settings: {
      master,
      defaultRegion: config.options.defaultRegion,
      defaultCors: corsRulesOf(config.options.defaultCors),
      inlineThresholdBytes: config.limits.inlineThresholdBytes,
      intentLeaseMs: config.gc.intentLeaseMs,
      maxXmlBytes: MAX_XML_BYTES,
      lifecycleDayMs: config.gc.lifecycleDayMs,
    },
    notifications: targets,
    now,
  };
  const { tls } = config.service;
  const perAddress = config.limits.rateLimit?.perAddress;
  const accessLog = new AccessLog({
    buckets: stores.buckets,
    deliverer: new LogDeliverer(services),
    ...config.accessLog,
    maxBytes: shareOf(config.accessLog.maxBytes),
    log: logs.requests,
    now,
  });
  const app = await buildApp({
    services,
    onServed: (served) => accessLog.served(served),
    queryApi,
    resolver: new OperationResolver(OPERATIONS),
    serviceHosts: config.options.serviceUri,
    website: new Website({
      hosts: config.options.websiteUri,
      customDomains: config.options.websiteCustomDomains,
      serviceHosts: config.options.serviceUri,
      buckets: stores.buckets,
      table: OPERATIONS,
    }),
    bodyIdleTimeoutMs: config.limits.bodyIdleTimeoutMs,
    log: logs.requests,
    tls:
      tls === undefined
        ? null
        : {
            cert: readFileSync(tls.certFile),
            key: readFileSync(tls.keyFile),
            ...(tls.caFile === undefined ? {} : { ca: readFileSync(tls.caFile) }),
            minVersion: tls.minVersion,
          },
    limits: {
      headersTimeoutMs: config.limits.headersTimeoutMs,
      requestTimeoutMs: config.limits.requestTimeoutMs,
      keepAliveTimeoutMs: config.limits.keepAliveTimeoutMs,
      maxConnections: shareOf(config.limits.maxConnections),
      maxHeaderBytes: MAX_HEADER_BYTES,
      requestsPerSecond: perAddress === undefined ? null : shareOf(perAddress),
    },
  });
  const runners: BackgroundRunner[] = [
    new DeliveryRunner({ stores, targets, config: config.notifications, log: logs.events, now }),
  ];
  if (config.gc.intervalMs > 0 && role.slot === 0) {
    runners.push(new Sweeper({ stores, intervalMs: config.gc.intervalMs, batch: 500, log: logs.gc, now }));
  }
  if (config.gc.lifecycleIntervalMs > 0 && role.slot === 0) {
    runners.push(
      new LifecycleRunner({
        stores,
        intervalMs: config.gc.lifecycleIntervalMs,
        dayMs: config.gc.lifecycleDayMs,
        intentLeaseMs: config.gc.intentLeaseMs,
        onAction: (action) => accessLog.lifecycle(action),
        log: logs.gc,
        now,
      }),
    );
  }
  if (config.gc.inventoryIntervalMs > 0 && role.slot === 0) {
    const { inventoryIntervalMs, inventoryDayMs } = config.gc;
    runners.push(
      new InventoryRunner({ services, intervalMs: inventoryIntervalMs, dayMs: inventoryDayMs, log: logs.gc }),
    );
  }
  try {
    await stores.ready();
    await app.listen({ host: config.service.host, port: config.service.port });
  } catch (error) {
    log.fatal({ err: error }, 'the server could not start');
    await app.close();
    await stores.close();
    cluster.worker?.disconnect();
    return 1;
  }
  for (const runner of [accessLog, ...runners]) runner.start();
  const { address, port } = app.server.address() as AddressInfo;
  log.info(
    {
      address,
      port,
      worker: role.slot,
      store: stores.kind,
      region: config.options.defaultRegion,
      tls: tls !== undefined,
    },
    'pithos serves S3',
  );

  let draining = false;
  const drain = (signal: NodeJS.Signals): void => {
    // A terminal's interrupt reaches the workers twice: from the terminal and from the primary.
    if (draining) return;
    draining = true;
    log.info({ signal }, 'draining');
    void shutDown({
      close: () => app.close(),
      stop: async () => {
        await Promise.all(runners.map((runner) => runner.stop()));
        // It has the lines of what they did.
        await accessLog.stop();
      },
      stores,
      log,
      cut: () => app.server.closeAllConnections(),
    });
  };
  process.once('SIGTERM', drain);
  process.once('SIGINT', drain);
  return null;
}

/** Works beside the requests for as long as the server runs. */
interface BackgroundRunner {
  start(): void;
  /** Waits for what is under way. */
  stop(): Promise<void>;
}

interface ShutDown {
  readonly close: () => PromiseLike<unknown>;
  readonly stop: () => Promise<void>;
  readonly stores: { close(): Promise<void> };
  readonly cut: () => void;
  readonly log: Logger;
}

/** No new requests; those running get DRAIN_MS to finish; then the stores close and the process ends by itself. */
async function shutDown({ close, stop, stores, cut, log }: ShutDown): Promise<void> {
  const timer = setTimeout(() => {
    log.warn('requests still running at the drain deadline are cut off');
    cut();
  }, DRAIN_MS);
  try {
    await close();
    // What the last requests left to be done in the background, their log lines for one, is done before the stores close.
    await stop();
    await stores.close();
    log.info('stopped');
  } catch (error) {
    log.error({ err: error }, 'the shutdown failed');
    process.exitCode = 1;
  } finally {
    clearTimeout(timer);
    // Its channel to the primary would keep a worker alive.
    cluster.worker?.disconnect();
    // So would connections that the driver is still making to nodes that are down.
    setTimeout(() => process.exit(), LINGER_MS).unref();
  }
}
