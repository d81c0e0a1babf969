/** The S3 client of a server elsewhere. Requests are not repeated here: the queue does that, with pauses, and bodies are streams. */
import { readFileSync } from 'node:fs';
import { S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import type { ReplicationTargetConfig } from '../config/types.js';

export function remoteClient(config: ReplicationTargetConfig): S3Client {
  const { endpoint, region, accessKey, secret, caFile, pathStyle, timeoutMs, concurrency } = config;
  const agent = { keepAlive: true, maxSockets: concurrency * 2 };
  return new S3Client({
    endpoint,
    region,
    forcePathStyle: pathStyle,
    credentials: { accessKeyId: accessKey, secretAccessKey: secret },
    maxAttempts: 1,
    // What is sent has a digest of the source's; other servers need not know trailers.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: timeoutMs,
      socketTimeout: timeoutMs,
      httpAgent: agent,
      httpsAgent: { ...agent, ...(caFile !== undefined && { ca: readFileSync(caFile) }) },
    },
  });
}

interface Stacked {
  readonly middlewareStack: {
    add(
      middleware: (next: (args: { request: unknown }) => unknown) => (args: { request: unknown }) => unknown,
      options: { step: 'build'; name: string },
    ): void;
  };
}

/** The command with headers that the SDK has no parameters for; they are signed like the others. */
export function withHeaders<C extends object>(command: C, added: Readonly<Record<string, string>>): C {
  (command as unknown as Stacked).middlewareStack.add(
    (next) => (args) => {
      const { headers } = args.request as { headers: Record<string, string> };
      Object.assign(headers, added);
      return next(args);
    },
    { step: 'build', name: 'pithosHeaders' },
  );
  return command;
}

/** What may be otherwise next time, though S3 answers it as the client's fault. */
const TRANSIENT: ReadonlySet<string> = new Set([
  'RequestTimeTooSkewed',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'RequestTimeout',
  'IncompleteBody',
  'BadDigest',
  'SlowDown',
  'OperationAborted',
  'ConditionalRequestConflict',
  'NoSuchUpload',
]);

/** The server's own word that it will not, whatever is tried; null: it may yet. */
export function refusalBy(error: unknown): string | null {
  if (!(error instanceof S3ServiceException)) return null;
  const status = error.$metadata.httpStatusCode ?? 500;
  if (status < 400 || status >= 500 || status === 408 || status === 429 || TRANSIENT.has(error.name)) return null;
  return `${error.name}: ${error.message}`;
}

export function statusOf(error: unknown): number | null {
  return error instanceof S3ServiceException ? (error.$metadata.httpStatusCode ?? null) : null;
}
