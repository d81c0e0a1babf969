/** When this process is to read its configuration again: a SIGHUP of its own, or the primary's word. */
import { isMessage } from './messages.js';
import type { Channel } from './peers.js';

/** The part of `process` that is used here. */
export type SignalSource = Channel & { on(event: 'SIGHUP', listener: () => void): unknown };

export class ReloadSignal {
  #listener: (() => void) | null = null;
  #early = false;

  /** From now on the signal does not end the process. */
  constructor(source: SignalSource) {
    source.on('SIGHUP', () => this.#arrived());
    source.on('message', (message) => {
      if (isMessage(message) && message.kind === 'pithos:reload') this.#arrived();
    });
  }

  /** Also for one that came before anybody could listen. */
  onReload(listener: () => void): void {
    this.#listener = listener;
    if (this.#early) listener();
    this.#early = false;
  }

  #arrived(): void {
    if (this.#listener === null) this.#early = true;
    else this.#listener();
  }
}
