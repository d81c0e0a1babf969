/** Gauges that are read off the parts of the server whenever somebody scrapes. */
import type { Registry } from 'prom-client';
import { Counter, Gauge } from 'prom-client';
import type { MemoryBudget } from '../data/budget.js';
import type { QueueFigures } from '../events/delivery-runner.js';
import type { Admission } from '../limits/admission.js';
import type { Refusals } from '../limits/refusals.js';
import { RATE_LIMITS } from '../limits/refusals.js';
import { BACKLOG_KINDS } from '../maintenance/backlog.js';
import type { StoreNode, StoreTopology } from '../store/types.js';
import type { BacklogSample } from './backlog-sample.js';

export interface GaugeSources {
  readonly version: string;
  /** by what they are for */
  readonly budgets: Readonly<Record<string, MemoryBudget>>;
  readonly backlog: () => BacklogSample | null;
  /** of what is delivered elsewhere (notifications, ...), by queue */
  readonly events: () => ReadonlyMap<string, QueueFigures>;
  /** lines of buckets' access logs that wait, bytes */
  readonly accessLogBytes: () => number;
  readonly connections: () => Promise<number>;
  readonly admission: Pick<Admission, 'running' | 'waiting' | 'refused' | 'limits'>;
  readonly refusals: Refusals;
  /** null: not known, or not this process's to tell */
  readonly topology: () => StoreTopology | null;
}

export function registerGauges(registry: Registry, sources: GaugeSources): void {
  const registers = [registry];
  new Gauge({
    name: 'pithos_build_info',
    help: '1, with the version of the server',
    labelNames: ['version'],
    aggregator: 'max',
    registers,
  }).set({ version: sources.version }, 1);
  new Gauge({
    name: 'pithos_connections',
    help: 'Open connections of clients',
    registers,
    async collect() {
      this.set(await sources.connections());
    },
  });
  new Gauge({
    name: 'pithos_access_log_waiting_bytes',
    help: 'Lines of access logs that wait for their delivery',
    registers,
    collect() {
      this.set(sources.accessLogBytes());
    },
  });
  registerAdmission(registers, sources);
  registerBudgets(registers, sources);
  registerBacklog(registers, sources);
  registerEvents(registers, sources);
  registerTopology(registers, sources);
}

/** Of the limits that docs/limits.md describes: how near they are, and whom they have refused. */
function registerAdmission(registers: Registry[], { admission, refusals }: GaugeSources): void {
  new Gauge({
    name: 'pithos_admission_requests',
    help: 'Requests that were let in (running), and those that wait to be (waiting)',
    labelNames: ['state'],
    registers,
    collect() {
      this.set({ state: 'running' }, admission.running);
      this.set({ state: 'waiting' }, admission.waiting);
    },
  });
  new Gauge({
    name: 'pithos_admission_limit_requests',
    help: 'How many requests may run, and how many may wait',
    labelNames: ['state'],
    registers,
    collect() {
      this.set({ state: 'running' }, admission.limits.maxRunning);
      this.set({ state: 'waiting' }, admission.limits.maxWaiting);
    },
  });
  new Counter({
    name: 'pithos_refused_requests_total',
    help: 'Requests that were told to slow down, by the limit that they were beyond',
    labelNames: ['limit'],
    registers,
    collect() {
      this.reset();
      this.inc({ limit: 'server' }, admission.refused);
      for (const limit of RATE_LIMITS) this.inc({ limit }, refusals.counts[limit]);
    },
  });
}

function registerBudgets(registers: Registry[], { budgets }: GaugeSources): void {
  const figures = [
    ['pithos_buffer_limit_bytes', 'Memory that requests may hold in object data', (budget) => budget.limitBytes],
    ['pithos_buffer_used_bytes', 'Memory that requests hold in object data', (budget) => budget.usedBytes],
    ['pithos_buffer_waiting_requests', 'Requests that wait for buffer memory', (budget) => budget.waiting],
  ] as const satisfies readonly (readonly [string, string, (budget: MemoryBudget) => number])[];
  for (const [name, help, figure] of figures)
    new Gauge({
      name,
      help,
      labelNames: ['budget'],
      registers,
      collect() {
        for (const [budget, of] of Object.entries(budgets)) this.set({ budget }, figure(of));
      },
    });
}

/** Only one process of a server counts it: the others have no such series. */
function registerBacklog(registers: Registry[], { backlog }: GaugeSources): void {
  const figures = [
    ['pithos_backlog_entries', 'Entries that wait for the sweeper', 'entries', 1],
    ['pithos_backlog_due_entries', 'Entries that the sweeper may take', 'due', 1],
    [
      'pithos_backlog_overdue_seconds',
      'How long the oldest entry waits that the sweeper may take',
      'mostOverdueMs',
      1000,
    ],
  ] as const;
  for (const [name, help, field, unit] of figures)
    new Gauge({
      name,
      help: `${help}; counted once a minute, up to a limit`,
      labelNames: ['region', 'kind'],
      registers,
      collect() {
        for (const { region, kinds } of backlog()?.regions ?? [])
          for (const kind of BACKLOG_KINDS) this.set({ region, kind }, kinds[kind][field] / unit);
      },
    });
}

function registerEvents(registers: Registry[], { events }: GaugeSources): void {
  const counts = [
    ['pithos_events_delivered_total', 'Events that were delivered', 'delivered'],
    ['pithos_events_failed_total', 'Attempts to deliver an event that failed', 'failed'],
    ['pithos_events_given_up_total', 'Events that were given up', 'dead'],
  ] as const;
  for (const [name, help, field] of counts)
    new Counter({
      name,
      help,
      labelNames: ['queue'],
      registers,
      collect() {
        this.reset();
        for (const [queue, figures] of events()) this.inc({ queue }, figures[field]);
      },
    });
  new Gauge({
    name: 'pithos_events_in_hand',
    help: 'Events taken from the outbox and not delivered yet',
    labelNames: ['queue'],
    registers,
    collect() {
      for (const [queue, { inHand }] of events()) this.set({ queue }, inHand);
    },
  });
  new Gauge({
    name: 'pithos_events_oldest_seconds',
    help: 'Age of the oldest event in hand',
    labelNames: ['queue'],
    aggregator: 'max',
    registers,
    collect() {
      for (const [queue, { oldestAgeMs }] of events()) this.set({ queue }, oldestAgeMs / 1000);
    },
  });
}

/** Told by one process of a server. */
function registerTopology(registers: Registry[], { topology }: GaugeSources): void {
  new Gauge({
    name: 'pithos_cassandra_nodes',
    help: 'Nodes of Cassandra as the driver sees them',
    labelNames: ['state'],
    registers,
    collect() {
      const nodes = nodesOf(topology());
      const up = nodes.filter((node) => node.up).length;
      this.set({ state: 'up' }, up);
      this.set({ state: 'down' }, nodes.length - up);
    },
  });
  const figures = [
    ['pithos_volume_total_bytes', 'Size of the file systems of the embedded store', 'totalBytes'],
    ['pithos_volume_free_bytes', 'Room in the file systems of the embedded store', 'freeBytes'],
  ] as const;
  for (const [name, help, field] of figures)
    new Gauge({
      name,
      help,
      labelNames: ['holds'],
      registers,
      collect() {
        const known = topology();
        if (known?.kind !== 'embedded') return;
        for (const volume of known.volumes) this.set({ holds: volume.holds }, volume[field]);
      },
    });
}

/** Of every cluster; a node that several clusters of the configuration have counts once. */
function nodesOf(topology: StoreTopology | null): readonly StoreNode[] {
  if (topology?.kind !== 'cassandra') return [];
  return [...new Map(topology.clusters.flatMap(({ nodes }) => nodes.map((node) => [node.address, node]))).values()];
}
