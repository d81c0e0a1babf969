/**
 * A request's body as operations read it: decoded from aws-chunked framing, its length and signed hash checked. The checks
 * that need the whole body fail at the end of the iteration, so nothing may be committed before the iteration ends.
 */
import type { CheckedPayload } from '../auth/checked-payload.js';
import { checkedPayload } from '../auth/checked-payload.js';
import type { PayloadPlan } from '../auth/types.js';
import { S3Error } from '../s3/errors.js';

export interface RequestBodyOptions {
  /** Raw bytes of the request; called once, on the first read. */
  readonly open: () => AsyncIterable<Buffer>;
  readonly plan: PayloadPlan;
  /** Content-Length, null when absent */
  readonly contentLengthBytes: number | null;
  readonly transferChunked: boolean;
}

const NO_TRAILERS: ReadonlyMap<string, string> = new Map();

export class RequestBody {
  readonly #options: RequestBodyOptions;
  #payload: CheckedPayload | null = null;

  constructor(options: RequestBodyOptions) {
    this.#options = options;
  }

  /** Bytes of payload the client announced; null when it announced none. */
  get lengthBytes(): number | null {
    const { plan, contentLengthBytes } = this.#options;
    return plan.kind === 'chunked' ? plan.decodedLengthBytes : contentLengthBytes;
  }

  /** Neither a length nor a framing that tells where the body ends. */
  get lengthMissing(): boolean {
    return this.lengthBytes === null && !this.#options.transferChunked;
  }

  /** True when the client signed the payload's hash (or its chunks). */
  get signed(): boolean {
    const { plan } = this.#options;
    return plan.kind === 'sha256' || (plan.kind === 'chunked' && plan.signed);
  }

  /** Trailing headers, lower-case names; complete after the iteration. */
  get trailers(): ReadonlyMap<string, string> {
    return this.#payload?.trailers ?? NO_TRAILERS;
  }

  /** The payload; can be read once. */
  stream(): AsyncIterable<Buffer> {
    if (this.#payload !== null) throw new Error('the request body was read twice');
    const { plan, contentLengthBytes, transferChunked } = this.#options;
    const empty = contentLengthBytes === 0 || (contentLengthBytes === null && !transferChunked);
    this.#payload = checkedPayload(empty ? nothing() : this.#options.open(), plan);
    return this.#payload.body;
  }

  /**
   * The whole payload.
   * @throws S3Error MaxMessageLengthExceeded when it is larger than maxBytes
   */
  async buffer(maxBytes: number): Promise<Buffer> {
    const announced = this.lengthBytes;
    if (announced !== null && announced > maxBytes) throw tooLarge(maxBytes);
    const pieces: Buffer[] = [];
    let sizeBytes = 0;
    for await (const piece of this.stream()) {
      sizeBytes += piece.length;
      if (sizeBytes > maxBytes) throw tooLarge(maxBytes);
      pieces.push(piece);
    }
    return pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces, sizeBytes);
  }
}

function tooLarge(maxBytes: number): S3Error {
  return new S3Error('MaxMessageLengthExceeded', { detail: { MaxMessageLengthBytes: String(maxBytes) } });
}

async function* nothing(): AsyncGenerator<Buffer, void, void> {
  // an empty body
}
