/**
 * The query APIs of IAM and STS: POST / with a form that names an action, or GET / with a query that does (presigned too), signed for
 * 'iam', 'sts' or 's3', answered in XML.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/programming.html
 */
import { createHash } from 'node:crypto';
import type { Authenticator } from '../auth/authenticator.js';
import type { AuthResult, SignedResult, SigningRequest } from '../auth/types.js';
import type { Identity } from '../s3/context.js';
import type { S3Response } from '../s3/operation.js';
import type { S3Request } from '../s3/request.js';
import type { IamAction, IamContext, IamServices } from './iam-action.js';
import { authorizeAction } from './iam-authorize.js';
import { rootCaller } from './iam-caller.js';
import type { IamError } from './iam-errors.js';
import { IamError as Failure, toIamError } from './iam-errors.js';
import { Params } from './iam-params.js';
import { requestKeys } from './iam-request-keys.js';
import { AccountReader, transact } from './iam-store.js';
import type { QueryService } from './iam-xml.js';
import { answerDocument, iamErrorDocument } from './iam-xml.js';

/** The largest form: a policy document and a web identity token fit many times over. */
const MAX_BODY_BYTES = 256 * 1024;

const VERSIONS: Readonly<Record<QueryService, string>> = { iam: '2010-05-08', sts: '2011-06-15' };
/** Services that a signature may be for: clients that have one endpoint for everything sign for s3. */
export const QUERY_SERVICES: readonly string[] = ['iam', 'sts', 's3'];

export interface QueryApiOptions extends IamServices {
  readonly actions: readonly IamAction[];
  /** whose services are QUERY_SERVICES */
  readonly authenticator: Authenticator;
  readonly identityOf: (auth: AuthResult, headers: Readonly<Record<string, string>>) => Identity;
}

export interface QueryExchange {
  readonly request: S3Request;
  /** what the signature covers; the body's hash is added */
  readonly signing: Omit<SigningRequest, 'bodySha256Hex'>;
  /** The body, at most maxBytes of it. @throws S3Error */
  readonly readBody: (maxBytes: number) => Promise<Buffer>;
  readonly signal: AbortSignal;
  /** for the log, as soon as they are known */
  readonly onAction: (name: string) => void;
  readonly onIdentity: (identity: Identity) => Promise<void>;
}

export interface QueryAnswer {
  readonly response: S3Response;
  readonly failure: IamError | null;
}

/** Whether a request is for these APIs: a form or a query that names an action, sent to the service itself: nothing that S3 knows. */
export function isQueryRequest({ method, bucket, query, headers }: S3Request): boolean {
  if (bucket !== null) return false;
  if (method === 'GET') return query.has('Action');
  return (
    method === 'POST' && /^application\/x-www-form-urlencoded\s*(;|$)/i.test(headers['content-type']?.trim() ?? '')
  );
}

export class QueryApi {
  readonly #options: QueryApiOptions;
  readonly #actions: ReadonlyMap<string, IamAction>;

  /** @throws Error when two rows have the same name */
  constructor(options: QueryApiOptions) {
    this.#options = options;
    this.#actions = new Map(options.actions.map((action) => [action.name, action]));
    if (this.#actions.size !== options.actions.length) throw new Error('two actions have the same name');
  }

  /** Notes that a key of the identity service was used, for GetAccessKeyLastUsed. */
  used(auth: AuthResult): void {
    if (auth.kind === 'signed')
      this.#options.credentials.used(auth.credential, { region: auth.region ?? '', service: auth.service ?? 's3' });
  }

  /** Never rejects: every failure is answered in the API's own form. */
  async serve(exchange: QueryExchange): Promise<QueryAnswer> {
    const { id: requestId, method, rawQuery } = exchange.request;
    let service: QueryService = 'iam';
    try {
      const body = await exchange.readBody(MAX_BODY_BYTES);
      const params = new Params(method === 'GET' ? rawQuery : body.toString('utf8'));
      service = params.raw('Version') === VERSIONS.sts ? 'sts' : 'iam';
      const action = this.#action(params);
      service = action.service;
      exchange.onAction(action.name);
      const result = await this.#run(action, params, { exchange, body });
      const document = answerDocument({ service, action: action.name, result, requestId });
      return { response: xml(200, document, requestId), failure: null };
    } catch (error) {
      const failure = toIamError(error);
      return { response: xml(failure.status, iamErrorDocument(failure, service, requestId), requestId), failure };
    }
  }

  #action(params: Params): IamAction {
    const name = params.raw('Action');
    if (name === '') throw new Failure('MissingAction', 'Missing Action');
    const action = this.#actions.get(name);
    const version = params.raw('Version');
    if (action === undefined || (version !== '' && version !== VERSIONS[action.service]))
      throw new Failure(
        'InvalidAction',
        `Could not find operation ${name} for version ${version || 'NO_VERSION_SPECIFIED'}`,
      );
    return action;
  }

  async #run(
    action: IamAction,
    params: Params,
    { exchange, body }: { readonly exchange: QueryExchange; readonly body: Buffer },
  ): Promise<string | null> {
    const signed = action.access === 'open' ? null : await this.#authenticate(action, exchange, body);
    const identity = signed === null ? null : this.#options.identityOf(signed, exchange.request.headers);
    if (identity !== null) await exchange.onIdentity(identity);
    const nowMs = this.#options.now();
    const context = this.#context({
      params,
      account: identity?.tenant ?? '',
      caller: identity?.kind === 'signed' ? identity.caller : null,
      credential: signed?.credential ?? null,
      keys: requestKeys({ request: exchange.request, region: signed?.region ?? '', nowMs }),
      nowMs,
      signal: exchange.signal,
    });
    if (action.access !== 'open') await authorizeAction(action, context);
    return action.handler(context);
  }

  /**
   * What the account's root may do, without a request: for who runs the server.
   * @returns the content of the action's result element (XML); null where it has none
   * @throws IamError, StoreError
   */
  actAsRoot(account: string, fields: Readonly<Record<string, string>>, signal: AbortSignal): Promise<string | null> {
    const params = new Params(new URLSearchParams(fields).toString());
    const [caller, nowMs] = [rootCaller(account), this.#options.now()];
    const common = { params, account, caller, credential: null, keys: new Map(), nowMs, signal };
    return this.#action(params).handler(this.#context(common));
  }

  #context(given: Omit<IamContext, 'services' | 'reader' | 'transact'>): IamContext {
    const { store, credentials, peers } = this.#options;
    const { account } = given;
    return {
      ...given,
      services: this.#options,
      reader: new AccountReader(store, account),
      transact: async (work) => {
        try {
          return await transact(store, account, work);
        } finally {
          // After an unknown outcome too.
          credentials.forget();
          await peers.announce('iam', account);
        }
      },
    };
  }

  /** @throws IamError, S3Error */
  async #authenticate(action: IamAction, { signing }: QueryExchange, body: Buffer): Promise<SignedResult> {
    const bodySha256Hex = createHash('sha256').update(body).digest('hex');
    const auth = await this.#options.authenticator.authenticate({ ...signing, bodySha256Hex });
    if (auth.kind === 'anonymous')
      throw new Failure('MissingAuthenticationToken', 'Request is missing Authentication Token');
    if (auth.version !== 'v4')
      throw new Failure('IncompleteSignature', 'The request must be signed with signature version 4');
    if (auth.service !== action.service && auth.service !== 's3')
      throw new Failure(
        'SignatureDoesNotMatch',
        `Credential should be scoped to correct service: '${action.service}'.`,
      );
    checkBody(auth, signing.headers['x-amz-content-sha256'], { sizeBytes: body.length, sha256Hex: bodySha256Hex });
    this.used(auth);
    return auth;
  }
}

/** The signature must cover the form, if there is one: everything that is asked for is in it. @throws IamError */
function checkBody(
  { payload, carrier }: SignedResult,
  declared: string | undefined,
  body: { readonly sizeBytes: number; readonly sha256Hex: string },
): void {
  if (body.sizeBytes === 0 || (payload.kind === 'sha256' && payload.hex === body.sha256Hex)) return;
  // Without the header the body's hash itself was signed. Of presigned URLs that is not so: whoever has one could fill in the form.
  if (carrier === 'header' && declared === undefined) return;
  throw new Failure('SignatureDoesNotMatch', 'The signed x-amz-content-sha256 is not the SHA-256 of the body.');
}

/** SDKs read the request's id from a header that has another name than S3's. */
function xml(status: number, body: string, requestId: string): S3Response {
  const retry = status === 503 ? { 'retry-after': '1' } : {};
  return { status, headers: { 'content-type': 'text/xml', 'x-amzn-requestid': requestId, ...retry }, body };
}
