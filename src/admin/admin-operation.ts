/** What a row of the table of admin operations is (admin-operations.ts), and what its handler is given. */
import type { Logger } from 'pino';
import type { Peers } from '../cluster/peers.js';
import type { KeyStore } from '../iam/key-store.js';
import type { IamServices } from '../iam/iam-action.js';
import type { ServerReporter } from '../observe/server-report.js';
import type { Identity, Services } from '../s3/context.js';
import type { QueryParams } from '../s3/request.js';
import type { JsonFields } from './json-fields.js';

export type AdminMethod = 'GET' | 'PUT' | 'POST' | 'DELETE';

/**
 * Who may call an operation. operator: master keys, and users and roles of an operator's account whose policies allow its action.
 * account: besides them the root of any account, and users and roles whose policies allow it; what they see and change is for the
 * handler to hold to their own account (context.isOperator, context.account).
 */
export type AdminAccess = 'operator' | 'account';

/** Everything that outlives a request. Add here what a new operation needs. */
export interface AdminServices {
  /** stores, settings, ... as operations of S3 have them */
  readonly s3: Services;
  readonly iam: IamServices;
  /** The configuration's keys, then those that the identity service made. */
  readonly keyStore: KeyStore;
  /** the other workers, which remember buckets and keys */
  readonly peers: Peers;
  readonly reporter: ServerReporter;
  readonly log: Logger;
}

export interface AdminContext {
  /** values of the pattern's {names}, decoded */
  readonly params: Readonly<Record<string, string>>;
  readonly query: QueryParams;
  /** The body's JSON object, {} when there is none; its fields are checked as they are read. @throws IamError, S3Error */
  readonly body: () => Promise<JsonFields>;
  readonly services: AdminServices;
  readonly identity: Extract<Identity, { kind: 'signed' }>;
  /** the caller's account (tenant) */
  readonly account: string;
  /** may see and change what is not its own account's */
  readonly isOperator: boolean;
  readonly requestId: string;
  readonly nowMs: number;
  /** fires when the client goes away */
  readonly signal: AbortSignal;
}

export interface AdminOperation {
  /** The action of policies without its 'pithos:'. Letters only. */
  readonly name: string;
  readonly method: AdminMethod;
  /** Under /-/admin/v1: '/buckets/{bucket}/quota'. A name stands for one segment, which is not empty. */
  readonly path: string;
  readonly access: AdminAccess;
  /** What policies allow it on: an ARN made of the path's values. Default '*'. */
  readonly resource?: (params: Readonly<Record<string, string>>) => string;
  /** Largest body, bytes; default 64 KiB. */
  readonly maxBodyBytes?: number;
  /** Answers what becomes the JSON of the answer (200), null for none (204). @throws IamError, S3Error, StoreError */
  readonly handler: (context: AdminContext) => Promise<object | null>;
}

/** As policies name it. */
export function adminActionOf({ name }: Pick<AdminOperation, 'name'>): string {
  return `pithos:${name}`;
}
