/** What an operation's handler is given. */
import type { Logger } from 'pino';
import type { Authenticator } from '../auth/authenticator.js';
import type { Credential } from '../auth/types.js';
import type { RequestBody } from '../http/body.js';
import type { MemoryBudget } from '../data/budget.js';
import type { ChunkMemory } from '../data/chunk-memory.js';
import type { GranteeDirectory } from '../iam/acl.js';
import type { Caller } from '../iam/iam-caller.js';
import type { BucketRecord, Owner, Region, Stores } from '../store/types.js';
import type { CorsRule } from './cors.js';
import type { EncryptionServices } from './encryption.js';
import type { BatchEntry, OperationRow } from './operation.js';
import type { S3Request } from './request.js';

/** Who calls. */
export type Identity =
  | { readonly kind: 'anonymous'; readonly tenant: null; readonly memberOf: readonly string[]; readonly master: false }
  | {
      readonly kind: 'signed';
      readonly tenant: string;
      readonly displayName: string;
      readonly memberOf: readonly string[];
      /** May act on every bucket, whoever owns it. */
      readonly master: boolean;
      readonly credential: Credential;
      /** who of the tenant's account it is, and what the account lets it do */
      readonly caller: Caller;
    };

export const ANONYMOUS: Identity = { kind: 'anonymous', tenant: null, memberOf: [], master: false };

/** What master keys may do. */
export interface MasterPowers {
  /** act on every bucket (options.masterkey-access) */
  readonly access: boolean;
  /** act for another tenant by x-amz-masquerade-tenant (options.masterkey-provisioning) */
  readonly masquerade: boolean;
}

export interface ServiceSettings {
  readonly master: MasterPowers;
  readonly defaultRegion: string;
  readonly defaultCors: readonly CorsRule[];
  readonly inlineThresholdBytes: number;
  readonly intentLeaseMs: number;
  readonly maxXmlBytes: number;
  /** a day of the lifecycle rules: 24 h but in tests */
  readonly lifecycleDayMs: number;
}

/** Servers elsewhere that buckets can be replicated to. */
export interface ReplicationTargets {
  /** The configuration names it, and lets that tenant use it. */
  has(target: string, tenant: string): boolean;
  /** Whether replicas can go to that bucket of it. @returns what stands against it, for the client; null: nothing */
  check(target: string, bucket: string, signal: AbortSignal): Promise<string | null>;
}

/** Where event notifications can go. */
export interface NotificationTargets {
  /** The configuration names it. */
  has(target: string): boolean;
  /** It is not one that the configuration keeps for other tenants. */
  allows(target: string, tenant: string): boolean;
  /** Sends it one message. @returns what went wrong, for the client; null: it has it */
  test(target: string, message: { readonly id: string; readonly body: string }): Promise<string | null>;
}

/** Everything that outlives a request; made by main, handed down, never global. */
export interface Services {
  readonly stores: Stores;
  readonly authenticator: Authenticator;
  readonly directory: GranteeDirectory;
  readonly encryption: EncryptionServices;
  readonly budget: MemoryBudget;
  /** What downloads read into. */
  readonly chunkMemory: ChunkMemory;
  /** For the pages of Parquet objects that queries hold: a budget of its own, so that slow clients do not stop uploads. */
  readonly selectBudget: MemoryBudget;
  readonly settings: ServiceSettings;
  readonly notifications: NotificationTargets;
  readonly replication: ReplicationTargets;
  /** ms since the epoch */
  readonly now: () => number;
}

export interface OperationContext {
  readonly request: S3Request;
  readonly operation: OperationRow;
  readonly identity: Identity;
  readonly services: Services;
  readonly body: RequestBody;
  readonly log: Logger;
  /** Fires when the client goes away or the request's deadline passes. */
  readonly signal: AbortSignal;
  /** A request about several objects tells what became of each. */
  readonly onEntry?: (entry: BatchEntry) => void;
  /**
   * For operations that find out themselves who calls and whether it may: counts the request, and sets the pace of its body.
   * @throws S3Error SlowDown
   */
  readonly onAllowed?: (caller: Identity, bucket: BucketRecord) => Promise<void>;
  /** Something was allowed that only an ACL allows. */
  readonly onAclRequired?: () => void;
  /** The request's bucket; only operations whose access is bucket, bucketOwner or object have one. */
  readonly bucket: BucketRecord;
}

export function regionOf(context: Pick<OperationContext, 'services'>, bucket: { readonly region: string }): Region {
  const region = context.services.stores.regions.get(bucket.region);
  if (!region) throw new Error(`bucket in unknown region ${bucket.region}: it is missing in the configuration`);
  return region;
}

/** The caller as the owner of what it creates; anonymous writers (granted by ACL) own as 'anonymous'. */
export function ownerOf(identity: Identity): Owner {
  return identity.kind === 'signed'
    ? { id: identity.tenant, displayName: identity.displayName }
    : { id: 'anonymous', displayName: 'anonymous' };
}

/** The caller as who starts a multipart upload: a user or session is itself, the root is its account. */
export function initiatorOf(identity: Identity): Owner {
  if (identity.kind === 'anonymous' || identity.caller.policies === null) return ownerOf(identity);
  const { arn, principal } = identity.caller;
  return { id: arn, displayName: principal.userName ?? arn };
}

/** The request's key, for operations on objects. */
export function keyOf(context: Pick<OperationContext, 'request'>): string {
  const { key } = context.request;
  if (key === null) throw new Error('operation without a key');
  return key;
}
