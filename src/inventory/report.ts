/**
 * One report: rows into data files, then everything published in an order in which nobody sees half of it: data files,
 * symlink.txt, manifest.json, manifest.checksum. The folder of a report without a manifest.checksum is not complete.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory-location.html
 */
import { randomUUID } from 'node:crypto';
import { throwIfAborted } from '../data/interrupt.js';
import type { InventoryConfiguration, InventoryFormat } from '../s3/inventory.js';
import { inventoryFolder } from '../s3/inventory.js';
import type { BucketRecord, Region } from '../store/types.js';
import { columnsOf } from './columns.js';
import { csvFile } from './csv-file.js';
import type { FileLimits, FileWriter } from './data-file.js';
import type { InventoryServices, WrittenObject } from './destination.js';
import { Destination } from './destination.js';
import { IntentKeeper } from './intent-keeper.js';
import { manifestChecksum, manifestJson, symlinks } from './manifest.js';
import { parquetFile } from './parquet-file.js';
import { RowFeed } from './row-feed.js';
import { inventoryRows } from './rows.js';
import { folderTime, partitionTime } from './schedule.js';

export interface ReportOptions {
  readonly services: InventoryServices;
  readonly region: Region;
  readonly source: BucketRecord;
  readonly configuration: InventoryConfiguration;
  readonly limits: FileLimits;
  /** Called now and then while the rows are read, and before the report is published. Throws to give the report up. */
  readonly keep: (when: 'reading' | 'publishing') => Promise<void>;
  readonly signal: AbortSignal;
}

export interface ReportCounts {
  readonly rows: number;
  readonly files: number;
}

const FORMATS: Readonly<Record<InventoryFormat, { readonly write: FileWriter; readonly extension: string }>> = {
  CSV: { write: csvFile, extension: 'csv.gz' },
  Parquet: { write: parquetFile, extension: 'parquet' },
};

const DATA_TYPE = 'application/octet-stream';

/** @throws DeliveryRefused; what keep throws; S3Error, StoreError; the signal's reason */
export async function makeReport(options: ReportOptions): Promise<ReportCounts> {
  const { services, region, signal } = options;
  const keeper = new IntentKeeper({ metadata: region.metadata, leaseMs: services.settings.intentLeaseMs });
  try {
    return await new Report(options, keeper, AbortSignal.any([signal, keeper.failed])).run();
  } finally {
    await keeper.stop();
  }
}

class Report {
  readonly #options: ReportOptions;
  readonly #signal: AbortSignal;
  readonly #destination: Destination;
  readonly #startedMs: number;
  readonly #folder: string;
  /** not published yet, in order */
  readonly #written: WrittenObject[] = [];
  #rows = 0;

  constructor(options: ReportOptions, keeper: IntentKeeper, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#destination = new Destination({ ...options, keeper, signal });
    this.#startedMs = options.services.now();
    this.#folder = inventoryFolder(options.source.name, options.configuration);
  }

  async run(): Promise<ReportCounts> {
    try {
      await this.#destination.admit([this.#dataKey(), ...Object.values(this.#names())]);
      await this.#writeData();
      await this.#options.keep('publishing');
      const files = this.#written.length;
      await this.#publish();
      return { rows: this.#rows, files };
    } catch (error) {
      for (const object of this.#written) await this.#destination.discard(object);
      throw error;
    }
  }

  #dataKey(): string {
    return `${this.#folder}/data/${randomUUID()}.${FORMATS[this.#options.configuration.destination.format].extension}`;
  }

  #names() {
    const folder = `${this.#folder}/${folderTime(this.#startedMs)}`;
    return {
      symlinks: `${this.#folder}/hive/dt=${partitionTime(this.#startedMs)}/symlink.txt`,
      manifest: `${folder}/manifest.json`,
      checksum: `${folder}/manifest.checksum`,
    };
  }

  async #writeData(): Promise<void> {
    const { configuration, limits } = this.#options;
    const { write } = FORMATS[configuration.destination.format];
    const columns = columnsOf(configuration);
    const feed = new RowFeed(this.#pages());
    try {
      while (await feed.more()) {
        const key = this.#dataKey();
        const bucket = await this.#destination.admit([key]);
        const source = write(feed, columns, limits);
        this.#written.push(await this.#destination.write(bucket, { key, contentType: DATA_TYPE, source }));
      }
    } finally {
      await feed.close();
    }
  }

  async *#pages() {
    const { region, source, configuration, services, keep } = this.#options;
    const pages = inventoryRows({
      metadata: region.metadata,
      bucket: source,
      columns: columnsOf(configuration),
      prefix: configuration.prefix,
      allVersions: configuration.allVersions,
      lifecycleDayMs: services.settings.lifecycleDayMs,
    });
    for await (const page of pages) {
      throwIfAborted(this.#signal);
      await keep('reading');
      this.#rows += page.length;
      yield page;
    }
  }

  async #publish(): Promise<void> {
    const { source, configuration } = this.#options;
    const { destination } = configuration;
    const files = this.#written.map(({ key, ingested: { sizeBytes, md5Hex } }) => ({ key, sizeBytes, md5Hex }));
    const names = this.#names();
    const manifest = manifestJson({
      source: source.name,
      destination,
      columns: columnsOf(configuration),
      startedMs: this.#startedMs,
      files,
    });
    const bucket = await this.#destination.admit([...files.map(({ key }) => key), ...Object.values(names)]);
    for (const [key, contentType, content] of [
      [names.symlinks, 'text/plain', symlinks(destination.bucket, files)],
      [names.manifest, 'application/json', manifest],
      [names.checksum, 'text/plain', manifestChecksum(manifest)],
    ] as const)
      this.#written.push(await this.#destination.write(bucket, { key, contentType, source: once(content) }));
    for (let next = this.#written[0]; next !== undefined; next = this.#written[0]) {
      throwIfAborted(this.#signal);
      this.#written.shift();
      await this.#destination.publish(bucket, next);
    }
  }
}

async function* once(content: string): AsyncGenerator<Buffer> {
  yield Buffer.from(content);
}
