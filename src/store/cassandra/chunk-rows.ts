/** Chunks of a block as rows of blob_block: how they are asked for, and whether what came is what was written. */
import { types } from 'cassandra-driver';
import { chunkCrc } from '../shared/crc.js';
import type { Session } from './cluster.js';
import { bytesOf, numberOf } from './rows.js';
import type { Row } from './rows.js';

/** Consecutive chunks of one block. */
export interface ChunkGroup {
  readonly block: number;
  readonly first: number;
  /** inclusive */
  readonly last: number;
}

/** From a chunk on, at most to another, but not across a block. */
export function groupAt(first: number, last: number, blockChunks: number): ChunkGroup {
  const block = Math.floor(first / blockChunks);
  return { block, first, last: Math.min(last, (block + 1) * blockChunks - 1) };
}

export function chunkQuery(
  { keyspace }: Pick<Session, 'keyspace'>,
  inode: string,
  { block, first, last }: ChunkGroup,
): [string, unknown[]] {
  const id = types.Uuid.fromString(inode);
  const from = `SELECT chunk, crc, payload FROM ${keyspace}.blob_block WHERE inode = ? AND block = ?`;
  return first === last
    ? [`${from} AND chunk = ?`, [id, block, first]]
    : [`${from} AND chunk >= ? AND chunk <= ?`, [id, block, first, last]];
}

/** The payload, null when it is missing or does not have its CRC. */
export function verifiedPayload(row: Row | undefined): Buffer | null {
  if (row === undefined) return null;
  const payload = bytesOf(row, 'payload');
  const crc = numberOf(row, 'crc');
  return payload !== null && crc !== null && chunkCrc([payload]) === crc >>> 0 ? payload : null;
}

/** The payloads in order, null when one is missing or does not have its CRC. */
export function verifiedPayloads(rows: readonly Row[], { first, last }: ChunkGroup): Buffer[] | null {
  if (rows.length !== last - first + 1) return null;
  const payloads: Buffer[] = [];
  for (const [i, row] of rows.entries()) {
    const payload = numberOf(row, 'chunk') === first + i ? verifiedPayload(row) : null;
    if (payload === null) return null;
    payloads.push(payload);
  }
  return payloads;
}
