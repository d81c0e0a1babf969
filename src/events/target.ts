/** What delivers messages to one place outside. */

export interface Message {
  /** The same whenever the message is sent again: receivers may tell repetitions by it. */
  readonly id: string;
  /** JSON */
  readonly body: string;
}

export interface Target {
  /** Resolves when the receiver has it. @throws DeliveryError */
  deliver(message: Message, signal: AbortSignal): Promise<void>;
  /** The message is given up: it could not be delivered in time. */
  giveUp?(message: Message): Promise<void>;
  /** Ends connections; after the deliveries. */
  close(): Promise<void>;
}

/** Why a message did not arrive, in words for logs and for whoever configures the target. Never a secret. */
export class DeliveryError extends Error {
  override readonly name = 'DeliveryError';
}

export function deliveryError(what: string, cause: unknown): DeliveryError {
  if (cause instanceof DeliveryError) return cause;
  const reason = cause instanceof Error ? cause.message || cause.name : String(cause);
  return new DeliveryError(`${what}: ${reason}`, { cause });
}
