/** Those who are told of a change before it is attempted, and of what became of it: who delivers its events, and who counts it. */
import { StoreError } from '../errors.js';
import type { Announcement } from './outbox-announcer.js';
import type { QuotaHold } from './quota-holds.js';
import { NO_HOLD } from './quota-holds.js';

export class Told {
  readonly #events: Announcement;
  readonly #hold: QuotaHold;

  constructor(events: Announcement, hold: QuotaHold) {
    this.#events = events;
    this.#hold = hold;
  }

  /** It counts for a quota. */
  get isCounted(): boolean {
    return this.#hold !== NO_HOLD;
  }

  /** It was made. shown: listings say so too, as whoever counts the bucket along them must be able to rely on. */
  async made(shown: boolean): Promise<void> {
    this.#events.made();
    if (shown) await this.#hold.made();
    else this.#hold.lost();
  }

  /** It was not made, and never will be. */
  cancel(): void {
    this.#events.cancel();
    this.#hold.cancel();
  }

  /** This process will not find out. */
  lost(): void {
    this.#events.lost();
    this.#hold.lost();
  }
}

export interface Telling {
  /** Something else that has to be durable before the change. */
  readonly garbage: Promise<void>;
  readonly events: Promise<Announcement>;
  readonly hold: Promise<QuotaHold>;
}

/** When all of it has ended: what was begun is taken back when some of it fails. */
export async function tell(telling: Telling): Promise<Told> {
  const [garbage, events, hold] = await Promise.allSettled([telling.garbage, telling.events, telling.hold]);
  const failed = [hold, garbage, events].find(({ status }) => status === 'rejected');
  if (hold.status === 'fulfilled' && events.status === 'fulfilled' && failed === undefined)
    return new Told(events.value, hold.value);
  if (events.status === 'fulfilled') events.value.cancel();
  if (hold.status === 'fulfilled') hold.value.cancel();
  throw failed?.status === 'rejected' ? failed.reason : new TypeError('nothing has failed');
}

/** A quota, or the key, has no room for it, whatever became of earlier attempts. */
export function isRefusal(error: unknown): boolean {
  return error instanceof StoreError && (error.kind === 'quotaExceeded' || error.kind === 'tooManyVersions');
}
