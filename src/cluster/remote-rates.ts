/** The rates that a server's workers share, as a worker asks the primary process for them. */
import type { Reservation, Reserved, ReserveMessage } from './messages.js';
import { isMessage } from './messages.js';
import type { Channel } from './peers.js';

/** A primary that hangs must not stop the requests. */
export const RESERVE_TIMEOUT_MS = 1_000;

export class RemoteRates {
  readonly #channel: Channel;
  readonly #waiting = new Map<number, (reserved: Reserved) => void>();
  #lastId = 0;

  constructor(channel: Channel) {
    this.#channel = channel;
    channel.on('message', (message) => {
      if (isMessage(message) && message.kind === 'pithos:reserved') this.#waiting.get(message.id)?.(message);
    });
  }

  /** Grants what is asked for when the primary does not answer in time. */
  reserve(reservation: Reservation): Promise<Reserved> {
    const id = ++this.#lastId;
    return new Promise((resolve) => {
      const done = ({ granted, waitMs }: Reserved): void => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        resolve({ granted, waitMs });
      };
      const timer = setTimeout(() => done({ granted: reservation.min, waitMs: 0 }), RESERVE_TIMEOUT_MS);
      this.#waiting.set(id, done);
      this.#channel.send?.({ kind: 'pithos:reserve', id, ...reservation } satisfies ReserveMessage);
    });
  }
}
