/**
 * What authentication takes and gives: the request as it was sent, the credential that signed it, and the plan by
 * which the body has to be checked while it streams.
 */
import type { Caller } from '../iam/iam-caller.js';
import type { ChunkVerifier } from './chunk-verifier.js';

/** A key pair of the key store, with the identity it stands for. */
export interface Credential {
  readonly accessKey: string;
  readonly secret: string;
  readonly tenant: string;
  /** True for the operator's key, which may act for any tenant. */
  readonly master: boolean;
  readonly memberOf: readonly string[];
  readonly displayName: string;
  readonly email?: string;
  /** Present on temporary credentials: every request must then carry the same x-amz-security-token. */
  readonly sessionToken?: string;
  /** Who of the tenant's account it is; absent: the account's root, as with every key of the configuration. */
  readonly caller?: Caller;
}

/**
 * The part of a request that signatures cover. Strings are as node:http gives them: one char per byte sent (latin1).
 */
export interface SigningRequest {
  readonly method: string;
  /** The path exactly as sent, still percent-encoded; no query, scheme or authority. */
  readonly rawPath: string;
  /** The query exactly as sent, without '?'; '' if there is none. */
  readonly rawQuery: string;
  /** Lower-case name -> value; repeated headers joined with ',' (no space). */
  readonly headers: Readonly<Record<string, string>>;
  /** The bucket named by the Host header, or null for path-style requests. */
  readonly vhostBucket: string | null;
  /**
   * Lower-case hex SHA-256 of the body, when the caller has it already. Only services other than S3 (STS, IAM) need it:
   * their clients sign the body's hash without sending x-amz-content-sha256.
   */
  readonly bodySha256Hex?: string;
}

/**
 * Finds the credential of an access key; null if there is none. A failing store must throw, never give null. sessionToken: as
 * sent, undefined without one; temporary credentials are found by it, and those that are over throw ExpiredToken.
 */
export type CredentialLookup = (
  accessKey: string,
  sessionToken?: string,
) => Promise<Credential | null> | Credential | null;

/** How the body must be checked while it streams. */
export type PayloadPlan = UnsignedPayload | Sha256Payload | ChunkedPayload;

export interface UnsignedPayload {
  readonly kind: 'unsigned';
}

export interface Sha256Payload {
  readonly kind: 'sha256';
  /** Lower-case hex. */
  readonly hex: string;
}

/** The body is framed as aws-chunked; see AwsChunkedDecoder. */
export interface ChunkedPayload {
  readonly kind: 'chunked';
  readonly signed: boolean;
  readonly trailer: boolean;
  /** Lower-case names that x-amz-trailer announced. */
  readonly trailerNames: readonly string[];
  /** Bytes of the object itself: x-amz-decoded-content-length. */
  readonly decodedLengthBytes: number;
  /** Stateful, for one pass over the body; null for unsigned chunks. */
  readonly verifier: ChunkVerifier | null;
}

export interface AnonymousResult {
  readonly kind: 'anonymous';
  readonly payload: PayloadPlan;
}

export interface SignedResult {
  readonly kind: 'signed';
  readonly credential: Credential;
  readonly version: 'v2' | 'v4';
  readonly carrier: 'header' | 'query';
  /** Lower-case names of the headers that the signature covers. */
  readonly signedHeaders: ReadonlySet<string>;
  readonly payload: PayloadPlan;
  /** The region of the credential scope; absent with SigV2. */
  readonly region?: string;
  /** The service of the credential scope ('s3', 'sts', ...); absent with SigV2. */
  readonly service?: string;
  /**
   * Headers that a presigned URL carries as query parameters (x-amz-acl, x-amz-meta-*, ...), lower-case name -> decoded
   * value; S3 obeys them as if they had been sent as headers. Empty when the carrier is a header.
   */
  readonly hoistedHeaders: Readonly<Record<string, string>>;
}

export type AuthResult = AnonymousResult | SignedResult;

/** Which signature scheme a POST form used, and what it proved. */
export interface PostFormResult {
  /** Null for an anonymous form, one without signature fields. */
  readonly credential: Credential | null;
  readonly version: 'v2' | 'v4' | null;
  /** Null only for an anonymous form without a policy. */
  readonly policy: ParsedPostPolicy | null;
}

export interface ParsedPostPolicy {
  /** Milliseconds since the epoch. */
  readonly expirationMs: number;
  readonly conditions: readonly PolicyCondition[];
}

/** One condition of a POST policy; names are lower-case and without '$'. `source` is the JSON for error messages. */
export type PolicyCondition =
  | { readonly kind: 'eq'; readonly name: string; readonly value: string; readonly source: string }
  | { readonly kind: 'starts-with'; readonly name: string; readonly prefix: string; readonly source: string }
  | { readonly kind: 'content-length-range'; readonly minBytes: number; readonly maxBytes: number };
