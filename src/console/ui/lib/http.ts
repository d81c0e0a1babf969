/** Requests that tell how much of their body has been sent: fetch cannot, XMLHttpRequest can. */
import { networkError } from './errors.js';

export interface SendOptions {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Blob | ArrayBuffer | null;
  readonly onProgress: (sentBytes: number) => void;
  readonly signal: AbortSignal;
}

export interface Sent {
  readonly status: number;
  readonly body: string;
  header(name: string): string | null;
}

/** Without a byte sent or received for so long, a connection counts as lost, ms. */
const STALLED_MS = 60_000;

/** @throws ApiError NetworkError, DOMException AbortError */
export function send(options: SendOptions): Promise<Sent> {
  const { method, url, headers, body, onProgress, signal } = options;
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const request = new XMLHttpRequest();
    let timer = 0;
    const alive = (): void => {
      clearTimeout(timer);
      timer = window.setTimeout(() => request.abort(), STALLED_MS);
    };
    const stop = (): void => request.abort();
    request.upload.onprogress = ({ loaded }) => {
      alive();
      onProgress(loaded);
    };
    request.onreadystatechange = alive;
    request.onloadend = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      if (request.status > 0) {
        resolve({
          status: request.status,
          body: request.responseText,
          header: (name) => request.getResponseHeader(name),
        });
      } else reject(signal.aborted ? new DOMException('stopped', 'AbortError') : networkError(null));
    };
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    signal.addEventListener('abort', stop);
    alive();
    request.send(body);
  });
}
