/** What the parts of a region's metadata store share. */
import type { MetaDatabase, RegionTables } from './database.js';

export interface RegionContext {
  /** its name */
  readonly region: string;
  readonly db: MetaDatabase;
  readonly tables: RegionTables;
  /** ms since the epoch */
  readonly now: () => number;
  /** how long superseded blobs stay, for those who still read them */
  readonly gcGraceMs: number;
  readonly intentLeaseMs: number;
  /** of a key, delete markers too */
  readonly maxVersionsPerKey: number;
}
