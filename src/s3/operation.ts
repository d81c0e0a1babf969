/** What a row of the operations table is (src/s3/operations.ts). */
import type { BucketRecord } from '../store/types.js';
import type { OperationContext } from './context.js';

export type OperationTarget = 'service' | 'bucket' | 'object';
export type HttpMethod = 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE' | 'OPTIONS';
export type AclPermission = 'READ' | 'WRITE' | 'READ_ACP' | 'WRITE_ACP' | 'FULL_CONTROL';

/** Who may call the operation, decided before its body is read. */
export type Access =
  /** any signed caller */
  | { readonly kind: 'account' }
  /** the bucket must exist and its ACL (or owner) must grant the permission */
  | { readonly kind: 'bucket'; readonly permission: AclPermission }
  /** the bucket must exist and the caller must be its owner: sub-resources no ACL speaks about */
  | { readonly kind: 'bucketOwner' }
  /** the bucket must exist; the handler reads the object through loadVersion, which checks this permission on it */
  | { readonly kind: 'object'; readonly permission: AclPermission }
  /** the bucket must exist; the handler asks for each key that its body names, with this permission on the bucket */
  | { readonly kind: 'keys'; readonly permission: AclPermission }
  /** nothing is checked here: browser forms and preflights, whose handlers do */
  | { readonly kind: 'handler' };

export type BodyKind =
  /** no body is read */
  | 'none'
  /** an XML document of at most maxBodyBytes */
  | 'xml'
  /** object data, streamed */
  | 'stream'
  /** multipart/form-data, streamed */
  | 'form';

export type S3Body = string | Buffer | AsyncIterable<Buffer> | null;

export interface S3Response {
  readonly status: number;
  /** lower-case names */
  readonly headers: Readonly<Record<string, string>>;
  /** A string is XML unless headers name a content type. */
  readonly body: S3Body;
  /** Told of each piece of a streamed body when the kernel has it: its memory may be used again. Not of all pieces, if something fails. */
  readonly onSent?: (piece: Buffer) => void;
  /** Size of a streamed body; also Content-Length of the answer to HEAD. */
  readonly contentLengthBytes?: number;
}

/** What became of one object of a request about several (DeleteObjects, the source of a copy): for the access log. */
export interface BatchEntry {
  /** the bucket of a copy's source; null: the request's own */
  readonly source: BucketRecord | null;
  readonly key: string;
  /** as the request names it */
  readonly versionId: string | null;
  /** null: not known */
  readonly sizeBytes: number | null;
  readonly status: number;
  /** null: it went well */
  readonly code: string | null;
}

export type Handler = (context: OperationContext) => Promise<S3Response>;

export interface OperationRow {
  /** AWS's own name */
  readonly name: string;
  readonly method: HttpMethod;
  readonly on: OperationTarget;
  /** Query parameters that select this row: true = present, string = with that value. */
  readonly query?: Readonly<Record<string, true | string>>;
  /** Header that must be present. */
  readonly header?: string;
  /** IAM actions it needs, AWS's names without 's3:'. */
  readonly actions: readonly string[];
  /** The actions when the request names a version. */
  readonly versionActions?: readonly string[];
  readonly access: Access;
  readonly body: BodyKind;
  /** null: known, not served: answers NotImplemented by name. */
  readonly handler: Handler | null;
}

/** The body-less answer most writes end with. */
export function emptyResponse(status: number, headers: Readonly<Record<string, string>> = {}): S3Response {
  return { status, headers, body: null };
}

export function xmlResponse(body: string, headers: Readonly<Record<string, string>> = {}): S3Response {
  return { status: 200, headers, body };
}
