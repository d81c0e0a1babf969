/** Streams that keep to a rate: a piece is passed on when its time has come, and nothing is read ahead meanwhile. */

export interface Pace {
  /** bytes per second, to tell how large pieces may be */
  readonly perSecond: number;
  /** Resolves when so many bytes may pass. @throws the signal's reason */
  wait(sizeBytes: number, signal: AbortSignal): Promise<void>;
}

const MIN_PIECE_BYTES = 1024;
const MAX_PIECE_BYTES = 64 * 1024;

/** At most a tenth of a second's worth, so that a slow stream flows instead of coming in gulps. */
function pieceBytes({ perSecond }: Pace): number {
  return Math.min(MAX_PIECE_BYTES, Math.max(MIN_PIECE_BYTES, Math.floor(perSecond / 10)));
}

/** paceOf is asked for every chunk: it may become known on the way. null: as fast as it comes. */
export async function* paced(
  source: AsyncIterable<Buffer>,
  paceOf: () => Pace | null,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, void> {
  for await (const chunk of source) {
    const pace = paceOf();
    if (pace === null) yield chunk;
    else yield* pieces(chunk, pace, signal);
  }
}

async function* pieces(chunk: Buffer, pace: Pace, signal: AbortSignal): AsyncGenerator<Buffer, void, void> {
  const sizeBytes = pieceBytes(pace);
  for (let at = 0; at < chunk.length; at += sizeBytes) {
    const piece = chunk.subarray(at, at + sizeBytes);
    await pace.wait(piece.length, signal);
    yield piece;
  }
}
