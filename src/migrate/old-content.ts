/**
 * The bytes of an object of the original Pithos, from its blocks and their chunks. Memory: one page of chunks.
 *
 * The original leaves more in an inode than belongs to the object: a copy onto an existing object writes over the old chunks in
 * place, so that old ones of other lengths stay between and behind the new ones. What belongs is the chain: the chunk at offset
 * 0, the one that begins where it ends, and so on, until the object's size is reached. Only between blocks the chain may leap,
 * because a completion whose parts have several blocks counts the offsets of earlier blocks twice.
 */

export interface OldChunk {
  readonly offset: number;
  readonly payload: Buffer;
}

export interface OldInode {
  /** uuid */
  readonly inode: string;
  /** timeuuid */
  readonly version: string;
}

export interface OldBlobs {
  /** First offsets of the inode's blocks, ascending. */
  blocks(inode: OldInode): AsyncIterable<number>;
  /** Of one block, by offset, a page at a time. */
  chunks(inode: OldInode, block: number): AsyncIterable<readonly OldChunk[]>;
}

/**
 * Never more than sizeBytes; fewer when chunks are missing, which its checksum tells apart from a size that was recorded wrongly.
 */
export async function* oldContent(
  blobs: OldBlobs,
  { inode, sizeBytes, signal }: { readonly inode: OldInode; readonly sizeBytes: number; readonly signal: AbortSignal },
): AsyncGenerator<Buffer> {
  let wanted = 0;
  let left = sizeBytes;
  if (left === 0) return;
  for await (const block of blobs.blocks(inode)) {
    let inChain = false;
    for await (const page of blobs.chunks(inode, block)) {
      signal.throwIfAborted();
      for (const { offset, payload } of page) {
        const leaps = !inChain && offset === block && offset > wanted;
        if ((offset !== wanted && !leaps) || payload.length === 0) continue;
        inChain = true;
        wanted = offset + payload.length;
        const bytes = payload.length > left ? payload.subarray(0, left) : payload;
        left -= bytes.length;
        yield bytes;
        if (left === 0) return;
      }
    }
  }
}
