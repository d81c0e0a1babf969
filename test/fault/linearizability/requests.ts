/** The S3 requests of the workload: each sent once, its answer judged and recorded. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, Client, Result, S3Request } from './client.js';
import { etagOf } from './client.js';
import { etagOfContent, etagOfOnePart, isContentOf } from './contents.js';
import type { Gateway } from './gateways.js';
import type { Action, Condition, Outcome } from './history.js';
import type { Recorder } from './recorder.js';

/** How a content comes to a key. */
export type Way = 'put' | 'copy' | 'complete';

export interface RequestsOptions {
  readonly client: Client;
  readonly recorder: Recorder;
  readonly bucket: string;
}

/** How the recorded operation ended; null: nothing was recorded, the server certainly did nothing, or nothing is known of a read. */
export type Recorded = Outcome['kind'] | null;

/** A completion of unknown outcome is asked for so often at most, as SDKs do. */
const COMPLETIONS = 4;
const REPEAT_MS = 200;

export class Requests {
  readonly #client: Client;
  readonly #recorder: Recorder;
  readonly #bucket: string;

  constructor({ client, recorder, bucket }: RequestsOptions) {
    this.#client = client;
    this.#recorder = recorder;
    this.#bucket = bucket;
  }

  #send(gateway: Gateway, request: Omit<S3Request, 'path'>, key: string): Promise<Result> {
    return this.#client.send(gateway.url, { ...request, path: key === '' ? `/${this.#bucket}` : this.#path(key) });
  }

  #path(key: string): string {
    return `/${this.#bucket}/${key}`;
  }

  /** elsewhere: where to repeat a completion whose answer was lost. */
  async write(
    gateway: Gateway,
    key: string,
    write: {
      readonly way: Way;
      readonly content: Buffer;
      readonly condition: Condition;
      readonly elsewhere: () => Gateway | undefined;
    },
  ): Promise<Recorded> {
    const { way, content, condition, elsewhere } = write;
    const request = await this.#prepare(gateway, key, way, content);
    if (request === null) return null;
    const etag = way === 'complete' ? etagOfOnePart(content) : etagOfContent(content);
    this.#recorder.sizes.set(etag, content.length);
    const headers = { ...request.headers, ...headersOf(condition) };
    return this.#change(gateway, key, {
      what: way,
      request: { ...request, headers },
      action: { kind: 'write', etag, condition },
      ...(way === 'complete' && { elsewhere }),
    });
  }

  /** What has to be there before the request that changes the key; null: it could not be made. */
  async #prepare(gateway: Gateway, key: string, way: Way, content: Buffer): Promise<Omit<S3Request, 'path'> | null> {
    if (way === 'put') return { method: 'PUT', body: content };
    if (way === 'copy') {
      const source = `archive/${etagOfContent(content)}`;
      if (!(await this.archive(gateway, source, content))) return null;
      return { method: 'PUT', headers: { 'x-amz-copy-source': this.#path(source) } };
    }
    const created = await this.#send(gateway, { method: 'POST', query: 'uploads=' }, key);
    const uploadId = isOk(created) ? /<UploadId>([^<]+)</.exec(created.body.toString())?.[1] : undefined;
    if (uploadId === undefined) return null;
    const query = `uploadId=${encodeURIComponent(uploadId)}`;
    const part = await this.#send(gateway, { method: 'PUT', query: `partNumber=1&${query}`, body: content }, key);
    if (!isOk(part)) return null;
    const list = `<Part><PartNumber>1</PartNumber><ETag>"${etagOfContent(content)}"</ETag></Part>`;
    const body = Buffer.from(`<CompleteMultipartUpload>${list}</CompleteMultipartUpload>`);
    return { method: 'POST', query, body };
  }

  /** Writes an object that is never touched again. @returns whether it was acknowledged */
  async archive(gateway: Gateway, key: string, content: Buffer): Promise<boolean> {
    const etag = etagOfContent(content);
    // It may be there without having been acknowledged.
    this.#recorder.sizes.set(etag, content.length);
    const answer = await this.#send(gateway, { method: 'PUT', body: content }, key);
    if (!isOk(answer)) return false;
    this.#recorder.archived.set(key, etag);
    return true;
  }

  remove(gateway: Gateway, key: string, condition: Condition): Promise<Recorded> {
    const request = { method: 'DELETE', headers: headersOf(condition) } as const;
    return this.#change(gateway, key, { what: 'delete', request, action: { kind: 'delete', condition } });
  }

  async #change(
    gateway: Gateway,
    key: string,
    change: {
      readonly what: string;
      readonly request: Omit<S3Request, 'path'>;
      readonly action: Exclude<Action, { readonly kind: 'read' }>;
      /** given: it may be repeated */
      readonly elsewhere?: () => Gateway | undefined;
    },
    before: { readonly attempts: number; readonly callMs: number } | null = null,
  ): Promise<Recorded> {
    const { what, request, action, elsewhere } = change;
    const callMs = performance.now();
    // Attempts at one completion are one operation: it takes effect once, whichever of them did it, or it does not.
    const begunMs = before?.callMs ?? callMs;
    const result = await this.#send(gateway, request, key);
    const returnMs = performance.now();
    const note = `${what} gateway ${gateway.slot}: ${noteOf(result)}`;
    const outcome = this.#outcomeOf(result, action, `${note}, ${key}`);
    const recordUnknown = () => {
      this.#recorder.record({ key, action, outcome: { kind: 'unknown' }, callMs: begunMs, returnMs, note });
    };
    if (outcome !== null) this.#recorder.sample({ what, outcome: outcome.kind, ms: returnMs - callMs });
    if (outcome?.kind === 'unknown') {
      const attempts = (before?.attempts ?? 0) + 1;
      if (elsewhere !== undefined && attempts < COMPLETIONS) {
        await sleep(REPEAT_MS);
        return this.#change(elsewhere() ?? gateway, key, change, { attempts, callMs: begunMs });
      }
      recordUnknown();
      return 'unknown';
    }
    if (outcome?.kind === 'done') {
      this.#recorder.record({ key, action, outcome, callMs: begunMs, returnMs, note });
      return 'done';
    }
    // What this attempt did not do an earlier one may have done, or may do yet.
    if (before !== null) recordUnknown();
    if (outcome === null) {
      this.#recorder.dropped += 1;
      return before === null ? null : 'unknown';
    }
    this.#recorder.record({ key, action, outcome, callMs, returnMs, note });
    return outcome.kind;
  }

  /** null: it certainly did nothing. */
  #outcomeOf(result: Result, action: Exclude<Action, { readonly kind: 'read' }>, note: string): Outcome | null {
    if (result.kind === 'notSent') return null;
    if (result.kind === 'lost') return { kind: 'unknown' };
    const { status, code } = result;
    const { condition } = action;
    if (status === 200 || status === 204) {
      const etag = etagOf(result);
      if (action.kind === 'write' && etag !== action.etag)
        this.#recorder.anomaly(`the ETag answered is ${etag}: ${note}`);
      return { kind: 'done' };
    }
    if (status === 412 && (condition.kind === 'absent' || condition.kind === 'etag'))
      return { kind: 'refused', status };
    const matched = condition.kind === 'present' || condition.kind === 'etag';
    if (status === 404 && code === 'NoSuchKey' && matched) return { kind: 'refused', status };
    if (status === 409 && (code === 'OperationAborted' || code === 'ConditionalRequestConflict')) return null;
    if (status !== 503) this.#recorder.anomaly(`unexpected answer: ${note}`);
    return { kind: 'unknown' };
  }

  async read(gateway: Gateway, key: string, method: 'GET' | 'HEAD'): Promise<Recorded> {
    const callMs = performance.now();
    const result = await this.#send(gateway, { method }, key);
    const returnMs = performance.now();
    const what = method.toLowerCase();
    const note = `${what} gateway ${gateway.slot}: ${noteOf(result)}`;
    const etag = this.#valueOf(result, method, `${note}, ${key}`);
    if (etag === undefined) return null;
    const outcome = { kind: 'value', etag } as const;
    this.#recorder.record({ key, action: { kind: 'read' }, outcome, callMs, returnMs, note });
    this.#recorder.sample({ what, outcome: 'value', ms: returnMs - callMs });
    return 'value';
  }

  /** undefined: nothing is known. */
  #valueOf(result: Result, method: 'GET' | 'HEAD', note: string): string | null | undefined {
    if (result.kind !== 'answer') return undefined;
    // HEAD has no document to tell what is missing; the bucket is always there.
    if (result.status === 404 && (method === 'HEAD' || result.code === 'NoSuchKey')) return null;
    if (result.status !== 200) {
      if (result.status !== 503) this.#recorder.anomaly(`unexpected answer: ${note}`);
      return undefined;
    }
    const etag = etagOf(result);
    if (method === 'GET' && !isContentOf(result.body, etag))
      this.#recorder.anomaly(`the content (${result.body.length} bytes) is not that of ETag ${etag}: ${note}`);
    const size = Number(result.headers['content-length']);
    if (method === 'HEAD' && this.#recorder.sizes.get(etag) !== size)
      this.#recorder.anomaly(`the size ${size} is not that of ETag ${etag}: ${note}`);
    return etag;
  }

  /** Lists a prefix, and records what it says of each of the keys. @returns ETags by key; null: nothing is known */
  async list(gateway: Gateway, prefix: string, keys: readonly string[]): Promise<Map<string, string> | null> {
    const found = new Map<string, string>();
    const callMs = performance.now();
    for (let token = ''; ;) {
      const query =
        `list-type=2&prefix=${encodeURIComponent(prefix)}` +
        (token === '' ? '' : `&continuation-token=${encodeURIComponent(token)}`);
      const result = await this.#send(gateway, { method: 'GET', query }, '');
      if (result.kind !== 'answer' || result.status !== 200) {
        if (result.kind === 'answer' && result.status !== 503)
          this.#recorder.anomaly(`unexpected answer: list ${prefix}: ${noteOf(result)}`);
        return null;
      }
      this.#collect(result, prefix, found);
      token = /<NextContinuationToken>([^<]+)</.exec(result.body.toString())?.[1] ?? '';
      if (token === '') break;
    }
    const returnMs = performance.now();
    this.#recorder.sample({ what: 'list', outcome: 'value', ms: returnMs - callMs });
    for (const key of keys) {
      const outcome = { kind: 'value', etag: found.get(key) ?? null } as const;
      const note = `list gateway ${gateway.slot}`;
      this.#recorder.record({ key, action: { kind: 'read' }, outcome, callMs, returnMs, note, listed: true });
    }
    return found;
  }

  #collect(answer: Answer, prefix: string, found: Map<string, string>): void {
    let last = '';
    for (const [, entry = ''] of answer.body.toString().matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
      const key = /<Key>([^<]*)</.exec(entry)?.[1] ?? '';
      const etag = (/<ETag>([^<]*)</.exec(entry)?.[1] ?? '').replaceAll('&quot;', '').replaceAll('"', '');
      const size = Number(/<Size>(\d+)</.exec(entry)?.[1]);
      if (!key.startsWith(prefix) || key <= last)
        this.#recorder.anomaly(`a listing of ${prefix} has ${key} after ${last}`);
      last = key;
      if (this.#recorder.sizes.get(etag) !== size)
        this.#recorder.anomaly(`a listing says ${size} bytes of ${key}, which is not the size of ETag ${etag}`);
      found.set(key, etag);
    }
  }
}

function isOk(result: Result): result is Answer {
  return result.kind === 'answer' && result.status === 200;
}

function headersOf(condition: Condition): Record<string, string> {
  switch (condition.kind) {
    case 'none':
      return {};
    case 'absent':
      return { 'if-none-match': '*' };
    case 'present':
      return { 'if-match': '*' };
    case 'etag':
      return { 'if-match': `"${condition.etag}"` };
  }
}

function noteOf(result: Result): string {
  if (result.kind === 'answer') return `${result.status} ${result.code}`.trim();
  return result.kind === 'lost' ? result.reason : 'not sent';
}
