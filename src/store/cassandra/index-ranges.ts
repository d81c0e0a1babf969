/** Puts together what keeps the partitions of a region's listings bounded. */
import type { BucketRef } from '../types.js';
import type { BucketGuard } from './bucket-guard.js';
import { Session } from './cluster.js';
import type { CassandraOptions } from './options.js';
import { RangeDues } from './range-due.js';
import { RangeKeeper } from './range-keeper.js';
import type { RangeTools } from './range-keeper.js';
import { RangeLoads } from './range-load.js';
import { RangeMover } from './range-mover.js';
import { isWorthALook } from './range-plan.js';
import { RangeTable } from './range-table.js';
import { Ranges } from './ranges.js';
import type { RangeLoad } from './ranges.js';
import { textMapOf } from './rows.js';

export interface IndexRangesParts {
  readonly session: Session;
  readonly region: string;
  readonly guard: Pick<BucketGuard, 'isGone'>;
  readonly options: Pick<
    CassandraOptions,
    'indexLimits' | 'indexTimes' | 'indexUpkeep' | 'onIndexMove' | 'logger' | 'now'
  >;
}

export class IndexRanges {
  readonly ranges: Ranges;
  readonly keeper: RangeKeeper;
  readonly session: Session;
  readonly #loads: RangeLoads;
  readonly #table: RangeTable;
  readonly #upkeep: boolean;

  constructor({ session, region, guard, options }: IndexRangesParts) {
    const { indexLimits: limits, indexTimes: times, indexUpkeep: upkeep, logger, now } = options;
    const isTooMuch = (load: RangeLoad): boolean => isWorthALook(load, limits);
    const table = new RangeTable(session);
    const loads = new RangeLoads({
      session,
      batch: Math.max(1, Math.min(256, Math.floor(Math.min(limits.rows, limits.deletions) / 32))),
      isTooMuch,
      onTooMuch: (bucket, range, load) => this.keeper.request(bucket, range, 'load', load),
      logger,
    });
    this.ranges = new Ranges({
      table,
      times,
      onWrite: (bucket, range, load) => {
        if (!upkeep) return;
        this.keeper.start();
        loads.note(bucket, range, load);
      },
      onUnreadable: (bucket, range) => {
        if (upkeep) this.keeper.request(bucket, range, 'tombstones');
      },
    });
    const tools = async (): Promise<RangeTools> => {
      const wide = await wideSession(session);
      const parts = { session: wide, table: new RangeTable(wide), ranges: this.ranges, loads, limits, times, now };
      return { session: wide, table: parts.table, mover: new RangeMover({ ...parts, onStep: options.onIndexMove }) };
    };
    const dues = new RangeDues(session, region);
    this.keeper = new RangeKeeper({ tools, dues, loads, isTooMuch, guard, logger, now });
    this.session = session;
    this.#loads = loads;
    this.#table = table;
    this.#upkeep = upkeep;
  }

  /** The bucket is about to be removed, and its ranges with it. */
  async removing(bucket: BucketRef): Promise<void> {
    if ((await this.#table.revision(bucket.instance)) === 0) return;
    await this.keeper.noteRemoval(bucket);
    if (this.#upkeep) this.keeper.start();
  }

  async close(): Promise<void> {
    await this.#loads.drain();
    await this.keeper.close();
  }
}

/**
 * The levels that moving keys needs. Whoever moves must see what every gateway wrote, and every gateway must see that it moves:
 * what quorums of one datacenter tell is not enough when gateways of several write and read at their own.
 */
async function wideSession(session: Session): Promise<Session> {
  const { target } = session;
  const local = [target.readConsistency, target.writeConsistency].some((level) => level.startsWith('local-'));
  if (!local || !(await spansDatacenters(session))) return session;
  const levels = { readConsistency: 'all', writeConsistency: 'each-quorum', serialConsistency: 'serial' } as const;
  return new Session(session.cluster, { ...target, ...levels });
}

/** As the keyspace is, whatever the configuration says of a new one. */
async function spansDatacenters(session: Session): Promise<boolean> {
  const query = 'SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = ?';
  const [row] = await session.read(query, [session.target.keyspace]);
  const replication = row === undefined ? {} : textMapOf(row, 'replication');
  return Object.keys(replication).filter((name) => name !== 'class').length > 1;
}
