/** What the console asks of the admin API: docs/admin-api.md. */
import { encodeRfc3986 } from '../lib/sigv4.js';
import type { Client } from './client.js';

/** Counts per interval, oldest first. */
export interface OperationSeries {
  readonly name: string;
  readonly requests: readonly number[];
  readonly failures: readonly number[];
  readonly receivedBytes: readonly number[];
  readonly sentBytes: readonly number[];
}

export interface ServerReport {
  readonly version: string;
  readonly startedAt: string;
  readonly uptimeSeconds: number;
  readonly store: string;
  readonly defaultRegion: string;
  readonly regions: readonly { readonly name: string; readonly storageClasses: readonly string[] }[];
  readonly workers: { readonly configured: number; readonly answering: number };
  readonly throughput: {
    readonly intervalSeconds: number;
    /** when the first interval began, ISO 8601 */
    readonly from: string;
    readonly operations: readonly OperationSeries[];
  };
  /** null: not counted yet */
  readonly backlog: Readonly<Record<string, unknown>> | null;
}

export async function getServer(client: Client, signal?: AbortSignal): Promise<ServerReport> {
  return (await client.admin('GET', 'server', undefined, signal)) as ServerReport;
}

export interface RingNode {
  readonly address: string;
  readonly datacenter: string;
  readonly rack: string;
  readonly up: boolean;
  readonly release: string;
}

export type RingReport =
  | {
      readonly kind: 'cassandra';
      readonly clusters: readonly {
        readonly localDatacenter: string | null;
        readonly keyspaces: readonly string[];
        /** null: the cluster cannot be reached */
        readonly schemaAgreement: boolean | null;
        readonly nodes: readonly RingNode[];
      }[];
    }
  | {
      readonly kind: 'embedded';
      readonly volumes: readonly {
        readonly path: string;
        readonly holds: string;
        readonly totalBytes: number;
        readonly freeBytes: number;
      }[];
      readonly metadataBytes: number;
    };

export async function getRing(client: Client, signal?: AbortSignal): Promise<RingReport> {
  return (await client.admin('GET', 'ring', undefined, signal)) as RingReport;
}

export interface Quota {
  /** null: not limited */
  readonly bytes: number | null;
  readonly objects: number | null;
}

export interface QuotaReport extends Quota {
  /** null: without a quota nothing is counted */
  readonly usage: { readonly bytes: number; readonly objects: number } | null;
}

export async function getQuota(client: Client, bucket: string): Promise<QuotaReport> {
  return (await client.admin('GET', `buckets/${encodeRfc3986(bucket)}/quota`)) as QuotaReport;
}

export async function putQuota(client: Client, bucket: string, { bytes, objects }: Quota): Promise<void> {
  const path = `buckets/${encodeRfc3986(bucket)}/quota`;
  await (bytes === null && objects === null
    ? client.admin('DELETE', path)
    : client.admin('PUT', path, { ...(bytes === null ? {} : { bytes }), ...(objects === null ? {} : { objects }) }));
}

export const RATES = ['requestsPerSecond', 'bytesInPerSecond', 'bytesOutPerSecond'] as const;

/** null: the server's default */
export type BucketRates = Readonly<Record<(typeof RATES)[number], number | null>>;

export async function getRates(client: Client, bucket: string): Promise<BucketRates> {
  return (await client.admin('GET', `buckets/${encodeRfc3986(bucket)}/limits`)) as BucketRates;
}

export async function putRates(client: Client, bucket: string, rates: BucketRates): Promise<void> {
  const path = `buckets/${encodeRfc3986(bucket)}/limits`;
  const given = Object.fromEntries(RATES.filter((name) => rates[name] !== null).map((name) => [name, rates[name]]));
  await (Object.keys(given).length === 0 ? client.admin('DELETE', path) : client.admin('PUT', path, given));
}
