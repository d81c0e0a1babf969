// Operations that change a key, each with what may be seen of it before and after. Every crash gets keys of its own.
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  NoSuchKey,
  PutObjectCommand,
  RenameObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { bytes, KIB } from '../../wire/helpers.js';

/** Key -> content, null: no object. */
export type Contents = ReadonlyMap<string, Buffer | null>;

export interface Prepared {
  readonly before: Contents;
  /** as before, but for what the operation changes */
  readonly after: Contents;
  /** By the gateway that may crash. */
  readonly run: (s3: S3Client) => Promise<unknown>;
}

export interface Operation {
  readonly name: string;
  /** By another gateway. */
  readonly prepare: (s3: S3Client, bucket: string, key: string) => Promise<Prepared>;
}

const SMALL = 100;
const LARGE = 300 * KIB;
const PART = 260 * KIB;

const one = (key: string, content: Buffer | null): Contents => new Map([[key, content]]);

function puts(name: string, sizes: { readonly before: number | null; readonly after: number }): Operation {
  return {
    name,
    prepare: async (s3, Bucket, Key) => {
      const before = sizes.before === null ? null : bytes(sizes.before, 1);
      if (before !== null) await s3.send(new PutObjectCommand({ Bucket, Key, Body: before }));
      const Body = bytes(sizes.after, 2);
      return {
        before: one(Key, before),
        after: one(Key, Body),
        run: (crashing) => crashing.send(new PutObjectCommand({ Bucket, Key, Body })),
      };
    },
  };
}

async function startUpload(s3: S3Client, Bucket: string, Key: string): Promise<{ UploadId: string; ETag: string }> {
  const { UploadId = '' } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
  const part = { Bucket, Key, UploadId, PartNumber: 1, Body: bytes(LARGE, 3) };
  const { ETag = '' } = await s3.send(new UploadPartCommand(part));
  return { UploadId, ETag };
}

export const OPERATIONS: readonly Operation[] = [
  puts('put inline', { before: null, after: SMALL }),
  puts('put blob', { before: null, after: LARGE }),
  puts('overwrite a blob by a blob', { before: LARGE, after: LARGE }),
  puts('overwrite a blob inline', { before: LARGE, after: SMALL }),
  {
    name: 'create an upload',
    prepare: async (_s3, Bucket, Key) => ({
      before: one(Key, null),
      after: one(Key, null),
      run: (crashing) => crashing.send(new CreateMultipartUploadCommand({ Bucket, Key })),
    }),
  },
  {
    name: 'upload a part again',
    prepare: async (s3, Bucket, Key) => {
      const { UploadId } = await startUpload(s3, Bucket, Key);
      const part = { Bucket, Key, UploadId, PartNumber: 1, Body: bytes(PART, 4) };
      return {
        before: one(Key, null),
        after: one(Key, null),
        run: (crashing) => crashing.send(new UploadPartCommand(part)),
      };
    },
  },
  {
    name: 'complete an upload',
    prepare: async (s3, Bucket, Key) => {
      await s3.send(new PutObjectCommand({ Bucket, Key, Body: bytes(LARGE, 1) }));
      const { UploadId, ETag } = await startUpload(s3, Bucket, Key);
      const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
      return {
        before: one(Key, bytes(LARGE, 1)),
        after: one(Key, bytes(LARGE, 3)),
        run: (crashing) =>
          crashing.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload })),
      };
    },
  },
  {
    name: 'abort an upload',
    prepare: async (s3, Bucket, Key) => {
      const { UploadId } = await startUpload(s3, Bucket, Key);
      return {
        before: one(Key, null),
        after: one(Key, null),
        run: (crashing) => crashing.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId })),
      };
    },
  },
  {
    name: 'copy',
    prepare: async (s3, Bucket, Key) => {
      await s3.send(new PutObjectCommand({ Bucket, Key: `${Key}/source`, Body: bytes(LARGE, 1) }));
      const source = [`${Key}/source`, bytes(LARGE, 1)] as const;
      return {
        before: new Map([source, [Key, null]]),
        after: new Map([source, [Key, bytes(LARGE, 1)]]),
        run: (crashing) =>
          crashing.send(new CopyObjectCommand({ Bucket, Key, CopySource: encodeURI(`${Bucket}/${Key}/source`) })),
      };
    },
  },
  {
    name: 'delete',
    prepare: async (s3, Bucket, Key) => {
      await s3.send(new PutObjectCommand({ Bucket, Key, Body: bytes(LARGE, 1) }));
      return {
        before: one(Key, bytes(LARGE, 1)),
        after: one(Key, null),
        run: (crashing) => crashing.send(new DeleteObjectCommand({ Bucket, Key })),
      };
    },
  },
  {
    name: 'rename',
    prepare: async (s3, Bucket, Key) => {
      const source = `${Key}/source`;
      await s3.send(new PutObjectCommand({ Bucket, Key: source, Body: bytes(LARGE, 1) }));
      await s3.send(new PutObjectCommand({ Bucket, Key, Body: bytes(LARGE, 2) }));
      return {
        before: new Map([
          [source, bytes(LARGE, 1)],
          [Key, bytes(LARGE, 2)],
        ]),
        after: new Map([
          [source, null],
          [Key, bytes(LARGE, 1)],
        ]),
        run: (crashing) =>
          crashing.send(new RenameObjectCommand({ Bucket, Key, RenameSource: encodeURIComponent(source) })),
      };
    },
  },
];

export async function contentsOf(s3: S3Client, Bucket: string, keys: Iterable<string>): Promise<Contents> {
  const found = new Map<string, Buffer | null>();
  for (const Key of keys) {
    try {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
      found.set(Key, Body === undefined ? null : Buffer.from(await Body.transformToByteArray()));
    } catch (error) {
      if (!(error instanceof NoSuchKey)) throw error;
      found.set(Key, null);
    }
  }
  return found;
}

export function same(a: Contents, b: Contents): boolean {
  return [...a].every(([key, content]) => {
    const other = b.get(key) ?? null;
    return content === null || other === null ? content === other : content.equals(other);
  });
}
