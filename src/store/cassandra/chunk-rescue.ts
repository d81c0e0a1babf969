/**
 * A chunk that came damaged or not at all: each replica is asked for its own copy, one after another, because what several of them
 * say together is what the newest or the greatest value says. A good copy is written back, so that all replicas have it again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { types } from 'cassandra-driver';
import { StoreError } from '../errors.js';
import type { StoreLogger } from '../shared/logger.js';
import { chunkCrc } from '../shared/crc.js';
import { chunkQuery, groupAt, verifiedPayload } from './chunk-rows.js';
import type { Session } from './cluster.js';

/** A node may ask another one that it thinks is faster rather than itself: what it thinks changes with each answer. */
const ROUNDS = 3;
const PAUSE_MS = 150;

export interface ChunkRescueParts {
  readonly session: Session;
  readonly inode: string;
  readonly blockChunks: number;
  readonly logger: StoreLogger;
  /** whether a good copy is written back */
  readonly rewrite: boolean;
}

export interface RescuedChunk {
  readonly payload: Buffer;
  /** It was written back. */
  readonly rewritten: boolean;
}

/**
 * @returns null: no replica has it
 * @throws StoreError unavailable when none has it of those that could be asked, and not all could
 */
export async function rescueChunk(parts: ChunkRescueParts, chunk: number): Promise<RescuedChunk | null> {
  const { session, inode, logger } = parts;
  const group = groupAt(chunk, chunk, parts.blockChunks);
  const query = chunkQuery(session, inode, group);
  const block = Buffer.allocUnsafe(4);
  block.writeInt32BE(group.block);
  const replicas = await session.replicas([types.Uuid.fromString(inode).getBuffer(), block]);
  let silent: unknown = null;
  for (let round = 0; round < (replicas.length > 1 ? ROUNDS : 1); round++) {
    if (round > 0) await sleep(PAUSE_MS);
    silent = null;
    for (const host of replicas) {
      let payload: Buffer | null;
      try {
        payload = verifiedPayload((await session.readFrom(host, ...query))[0]);
      } catch (error) {
        silent = error;
        continue;
      }
      if (payload === null) continue;
      const rewritten = parts.rewrite && (await rewrite(parts, { ...group, payload }));
      logger.warn({ inode, chunk, rewritten }, 'a damaged chunk was found whole on another replica');
      return { payload, rewritten };
    }
  }
  const together = verifiedPayload((await session.readAll(...query).catch(() => []))[0]);
  if (together !== null) return { payload: together, rewritten: false };
  if (silent !== null) {
    throw new StoreError(
      'unavailable',
      'notApplied',
      `a replica of chunk ${chunk} of ${inode} cannot be asked`,
      silent,
    );
  }
  return null;
}

/** A deletion of the inode meanwhile wins: it is dated ahead. */
async function rewrite(
  { session, inode, logger }: ChunkRescueParts,
  { block, first, payload }: { readonly block: number; readonly first: number; readonly payload: Buffer },
): Promise<boolean> {
  const query = `INSERT INTO ${session.keyspace}.blob_block (inode, block, chunk, crc, payload) VALUES (?, ?, ?, ?, ?)`;
  try {
    await session.write(query, [types.Uuid.fromString(inode), block, first, chunkCrc([payload]) | 0, payload]);
    return true;
  } catch (error) {
    logger.warn({ err: error, inode, chunk: first }, 'a good copy of a damaged chunk could not be written back');
    return false;
  }
}
