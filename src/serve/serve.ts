/** One process that serves: wires configuration, stores and the application, listens, and drains on SIGTERM and SIGINT. */
import cluster from 'node:cluster';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { AccessLog } from '../accesslog/access-log.js';
import { LogDeliverer } from '../accesslog/deliver.js';
import { openAdmin } from '../admin/open-admin.js';
import { buildApp } from '../app.js';
import { Authenticator } from '../auth/authenticator.js';
import type { Config } from '../config/index.js';
import { ConfigReloader } from '../config/index.js';
import { loadAssets } from '../console/assets.js';
import { Console, CONSOLE_PATH } from '../console/console.js';
import { MemoryBudget } from '../data/budget.js';
import { ChunkMemory } from '../data/chunk-memory.js';
import { Targets } from '../events/targets.js';
import { openIam } from '../iam/iam-setup.js';
import type { SecureServer } from '../http/tls.js';
import { readTls, TlsReloader } from '../http/tls.js';
import { LiveGateways } from '../limits/live-gateways.js';
import { LiveSettings } from '../live-settings.js';
import { openHealth } from '../observe/health.js';
import type { Logs } from '../observe/logger.js';
import { Metrics } from '../observe/metrics.js';
import { Observation } from '../observe/observation.js';
import { tracedStores } from '../observe/traced-stores.js';
import { Tracing } from '../observe/tracing.js';
import { openStores } from '../open-stores.js';
import { ReplicationQueues } from '../replication/replication-targets.js';
import { corsRulesOf } from '../s3/bucket-cors.js';
import type { Services } from '../s3/context.js';
import { OPERATIONS } from '../s3/operations.js';
import { OperationResolver } from '../s3/resolve.js';
import { bothObservers } from '../store/shared/observer.js';
import { Website } from '../website/website.js';
import { awaitStores } from './await-stores.js';
import { version } from './role.js';
import type { WorkerRole } from './role.js';
import { openRunners } from './runners.js';
import { connectionsOf, IDLE_CHECK_MS, lastAnswers, lingerNoLonger, shutDown } from './shut-down.js';

const MAX_XML_BYTES = 4 * 1024 * 1024;

/** Serves until a signal ends it; resolves with the exit code when it cannot even start, with null while it runs. */
export async function serve(config: Config, logs: Logs, role: WorkerRole): Promise<number | null> {
  const log = logs.main;
  const shareOf = (total: number): number => Math.ceil(total / role.workers);
  if (config.usesExampleKeys && role.slot === 0)
    log.warn(
      { host: config.service.host },
      'EXAMPLE KEYS: this server accepts the access keys published in the documentation. Anybody who reaches it can read and write everything. Configure keystore.keys before you let others connect.',
    );
  const now = Date.now;
  const metrics = new Metrics();
  const tracing = openTracing(config, role, logs);
  const {
    stores: openedStores,
    encryption,
    masterKeys,
  } = await openStores(config, {
    log: logs.store,
    peers: role.peers,
    observer:
      tracing === null || config.store.kind === 'embedded'
        ? metrics.store
        : bothObservers(metrics.store, tracing.store),
  });
  const stores = tracing === null ? openedStores : tracedStores(openedStores, tracing);
  const gateways = new LiveGateways({ store: stores.iam, id: role.serverId, log, now });
  const live = new LiveSettings({ config, rates: role.rates, gateways, shareOf, logs });
  const master = { access: config.options.masterkeyAccess, masquerade: config.options.masterkeyProvisioning };
  const iam = openIam({
    store: stores.iam,
    configured: live.keyStore,
    masterKeys: masterKeys.map(({ key }) => key),
    master,
    maxSkewMs: config.options.maxSkewMs,
    now,
    log: logs.requests,
    peers: role.peers,
  });
  const { keyStore, queryApi } = iam;
  const targets = new Targets(config.notifications, now);
  const replication = await ReplicationQueues.open(
    { stores, encryption, settings: { intentLeaseMs: config.gc.intentLeaseMs }, now },
    config.replication,
    logs.events,
  );
  const aheadBudget = new MemoryBudget({ limitBytes: shareOf(config.limits.maxBufferMemoryBytes) });
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
    chunkMemory: new ChunkMemory({ keepBytes: aheadBudget.limitBytes / 8, ahead: aheadBudget }),
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
    replication,
    now,
  };
  const { tls } = config.service;
  const certificate = tls === undefined ? null : readTls(tls);
  let draining = false;
  const accessLog = new AccessLog({
    buckets: stores.buckets,
    deliverer: new LogDeliverer(services),
    ...config.accessLog,
    maxBytes: shareOf(config.accessLog.maxBytes),
    log: logs.requests,
    now,
  });
  const observation = new Observation({
    facts: { version: version(), startedAtMs: now() - Math.round(process.uptime() * 1000), workers: role.workers },
    stores,
    census: role.census,
    metrics,
    gauges: {
      budgets: { data: services.budget, select: services.selectBudget, ahead: aheadBudget },
      events: () => metrics.deliveryFigures(),
      accessLogBytes: () => accessLog.heldBytes,
      connections: () => connectionsOf(app.server),
      admission: live.admission,
      refusals: live.refusals,
    },
    isFirst: role.slot === 0,
    log: logs.store,
    now,
  });
  const consolePage = openConsole(config, log);
  const app = await buildApp({
    services,
    ...(tracing === null ? {} : { spans: tracing }),
    onStarted: () => observation.started(),
    onServed: (served) => {
      observation.served(served);
      accessLog.served(served);
    },
    queryApi,
    admin: openAdmin({
      services: {
        s3: services,
        iam: iam.services,
        keyStore,
        peers: role.peers,
        reporter: observation.reporter,
        log: logs.requests,
      },
      configuredKeys: () => live.keys,
    }),
    resolver: new OperationResolver(OPERATIONS),
    serviceHosts: config.options.serviceUri,
    website: new Website({
      hosts: config.options.websiteUri,
      customDomains: config.options.websiteCustomDomains,
      serviceHosts: config.options.serviceUri,
      buckets: stores.buckets,
      table: OPERATIONS,
    }),
    console: consolePage,
    bodyIdleTimeoutMs: config.limits.bodyIdleTimeoutMs,
    admission: live.admission,
    requestLimits: live.requestLimits,
    refusals: live.refusals,
    rates: role.rates,
    proxies: () => live.proxies,
    draining: () => draining,
    log: logs.requests,
    tls: certificate?.context ?? null,
    limits: {
      headersTimeoutMs: config.limits.headersTimeoutMs,
      requestTimeoutMs: config.limits.requestTimeoutMs,
      keepAliveTimeoutMs: config.limits.keepAliveTimeoutMs,
      maxConnections: shareOf(config.limits.maxConnections),
      maxHeaderBytes: config.limits.maxHeaderBytes,
    },
  });
  const runners = openRunners({ config, role, services, targets, replication, accessLog, metrics, logs });
  const starting = new AbortController();
  const giveUp = (): void => starting.abort(new Error('stopped by a signal'));
  process.once('SIGTERM', giveUp);
  process.once('SIGINT', giveUp);
  try {
    // Before the store is asked: whoever watches is told why the server does not serve yet.
    if (role.workers === 1)
      await openHealth({ service: config.service, log }, { metrics, readiness: observation.readiness });
    await awaitStores({
      ready: () => stores.ready(),
      waitMs: config.options.storeWaitMs,
      signal: starting.signal,
      log,
    });
    await app.listen({ host: config.service.host, port: config.service.port });
    starting.signal.throwIfAborted();
  } catch (error) {
    const { aborted } = starting.signal;
    if (aborted) log.info('stopped before it served');
    else log.fatal({ err: error }, 'the server could not start');
    // Closing waits for connections to nodes that are still being tried.
    if (aborted) lingerNoLonger();
    await app.close();
    await stores.close();
    cluster.worker?.disconnect();
    return aborted ? 0 : 1;
  }
  // From here to the end of this function nothing is awaited: no signal comes in between.
  process.removeListener('SIGTERM', giveUp);
  process.removeListener('SIGINT', giveUp);
  observation.readiness.serving();
  for (const runner of [accessLog, observation, ...runners]) runner.start();
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
  if (consolePage !== null && role.slot === 0) {
    const host = new URL('http://host');
    host.hostname = address.includes(':') ? `[${address}]` : address;
    host.port = String(port);
    const scheme = tls === undefined ? 'http' : 'https';
    log.info({ url: `${scheme}://${host.host}${CONSOLE_PATH}` }, 'the web console is at this address');
  }

  const tlsReloader =
    tls === undefined || certificate === null
      ? null
      : new TlsReloader({ server: app.server as unknown as SecureServer, files: tls, certificate, log });
  tlsReloader?.watch(tls?.reloadIntervalMs ?? 0);
  const reloader = new ConfigReloader({
    ...role.configFile,
    apply: (next) => {
      live.apply(next);
      // Sessions of keys that have changed are not what they were.
      iam.services.credentials.forget();
    },
    // With several processes the primary says what has changed.
    log: role.workers === 1 ? log : null,
  });
  const reload = (): void => {
    reloader.reload();
    tlsReloader?.reload();
  };
  role.reloads.onReload(reload);
  if (role.workers === 1) reloader.watch(config.options.reloadIntervalMs, reload);

  const drain = (signal: NodeJS.Signals): void => {
    // A terminal's interrupt reaches the workers twice: from the terminal and from the primary.
    if (draining) return;
    draining = true;
    observation.readiness.draining();
    log.info({ signal }, 'draining');
    void shutDown({
      timeoutMs: live.drain.drainTimeoutMs,
      close: async () => {
        await lastAnswers(app.server, live.drain.drainDelayMs);
        const idle = setInterval(() => app.server.closeIdleConnections(), IDLE_CHECK_MS);
        try {
          await app.close();
        } finally {
          clearInterval(idle);
        }
      },
      stop: async () => {
        tlsReloader?.stop();
        reloader.stop();
        await Promise.all([gateways.stop(), observation.stop(), ...runners.map((runner) => runner.stop())]);
        // It has the lines of what they did.
        await accessLog.stop();
        await tracing?.close();
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

/** null: nothing is traced */
function openTracing({ tracing }: Config, { serverId, slot }: WorkerRole, logs: Logs): Tracing | null {
  if (tracing === undefined) return null;
  return new Tracing({ config: tracing, version: version(), instance: `${serverId}-${slot}`, log: logs.main });
}

/** The console's files as `npm run build` leaves them; without them the server serves its APIs alone. */
function openConsole(config: Config, log: Logger): Console | null {
  if (!config.console.enabled) return null;
  const assets = loadAssets(fileURLToPath(new URL('../console/ui', import.meta.url)));
  if (assets === null) {
    log.warn('the web console has not been built: npm run build');
    return null;
  }
  return new Console({ assets, region: config.options.defaultRegion, version: version() });
}
