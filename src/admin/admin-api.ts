/**
 * The admin API: /-/admin/v1/... on the S3 port, signed with Signature Version 4 for s3, JSON in and out. Who may use an operation
 * is decided by the same policies as everything else, under actions 'pithos:<Name>'.
 */
import type { AuthResult, PayloadPlan, SignedResult, SigningRequest } from '../auth/types.js';
import { judgeCaller } from '../iam/iam-caller.js';
import { IamError } from '../iam/iam-errors.js';
import { requestKeys } from '../iam/iam-request-keys.js';
import type { Identity } from '../s3/context.js';
import { S3Error } from '../s3/errors.js';
import type { S3Response } from '../s3/operation.js';
import type { S3Request } from '../s3/request.js';
import { toS3Error } from '../s3/store-errors.js';
import type { AdminContext, AdminOperation, AdminServices } from './admin-operation.js';
import { adminActionOf } from './admin-operation.js';
import type { AdminRoute } from './admin-router.js';
import { AdminRouter } from './admin-router.js';
import { JsonFields } from './json-fields.js';

const MAX_BODY_BYTES = 64 * 1024;

export interface AdminApiOptions {
  readonly operations: readonly AdminOperation[];
  readonly services: AdminServices;
  readonly identityOf: (auth: AuthResult, headers: Readonly<Record<string, string>>) => Identity;
  /** Whether an account has a master key: its users and roles may be allowed what operators are. */
  readonly isOperatorAccount: (account: string) => boolean;
}

export interface AdminExchange {
  readonly request: S3Request;
  readonly signing: SigningRequest;
  /** The body, read as the plan says, at most maxBytes of it. @throws S3Error */
  readonly readBody: (plan: PayloadPlan, maxBytes: number) => Promise<Buffer>;
  readonly signal: AbortSignal;
  /** for the log, as soon as they are known */
  readonly onAction: (name: string) => void;
  readonly onSigned: (auth: SignedResult, identity: Identity) => Promise<void>;
}

export interface AdminAnswer {
  readonly response: S3Response;
  readonly failure: S3Error | IamError | null;
}

export class AdminApi {
  readonly #options: AdminApiOptions;
  readonly #router: AdminRouter;

  /** @throws Error when two rows answer the same requests */
  constructor(options: AdminApiOptions) {
    this.#options = options;
    this.#router = new AdminRouter(options.operations);
  }

  /** Never rejects: every failure is answered as JSON {code, message, requestId}. */
  async serve(exchange: AdminExchange): Promise<AdminAnswer> {
    try {
      const result = await this.#run(exchange);
      return {
        response: result === null ? { status: 204, headers: COMMON, body: null } : json(200, result),
        failure: null,
      };
    } catch (error) {
      const failure = error instanceof IamError ? error : toS3Error(error);
      const headers = failure instanceof S3Error ? failure.headers : {};
      const { code, message } = failure;
      const response = json(failure.status, { code, message, requestId: exchange.request.id }, headers);
      return { response, failure };
    }
  }

  async #run(exchange: AdminExchange): Promise<object | null> {
    const { services } = this.#options;
    const { request, signal } = exchange;
    const route = this.#router.route(request.method, request.rawPath);
    exchange.onAction(adminActionOf(route.operation));
    const auth = await this.#authenticate(exchange);
    const identity = this.#options.identityOf(auth, request.headers);
    await exchange.onSigned(auth, identity);
    if (identity.kind === 'anonymous') throw new S3Error('AccessDenied');
    const nowMs = services.s3.now();
    const isOperator = this.#authorize(route, identity, { request, region: auth.region ?? '', nowMs });
    const context: AdminContext = {
      params: route.params,
      query: request.query,
      body: async () => {
        const body = await exchange.readBody(auth.payload, route.operation.maxBodyBytes ?? MAX_BODY_BYTES);
        if (body.length === 0) return new JsonFields(new Map());
        checkSigned(auth.payload);
        return JsonFields.parse(body.toString('utf8'));
      },
      services,
      identity,
      account: identity.tenant,
      isOperator,
      requestId: request.id,
      nowMs,
      signal,
    };
    return route.operation.handler(context);
  }

  /** Only headers carry the signature: a link that somebody is made to follow must not change anything. */
  async #authenticate({ signing }: AdminExchange): Promise<SignedResult> {
    const auth = await this.#options.services.s3.authenticator.authenticate(signing);
    if (auth.kind === 'anonymous')
      throw new S3Error('AccessDenied', { message: 'Requests to the admin API must be signed.' });
    if (auth.version !== 'v4' || auth.carrier !== 'header')
      throw new S3Error('AccessDenied', {
        message: 'Requests to the admin API must be signed with Signature Version 4 in the Authorization header.',
      });
    return auth;
  }

  /** @returns whether the caller acts as an operator @throws S3Error AccessDenied */
  #authorize(
    { operation, params }: AdminRoute,
    identity: Extract<Identity, { kind: 'signed' }>,
    facts: Parameters<typeof requestKeys>[0],
  ): boolean {
    const { caller, credential, tenant } = identity;
    // A master key that acts for another tenant is that tenant's root.
    const holdsMasterKey = credential.master && credential.tenant === tenant;
    const isOperator = holdsMasterKey || (caller.policies !== null && this.#options.isOperatorAccount(tenant));
    const action = adminActionOf(operation);
    const resource = operation.resource?.(params) ?? '*';
    const { allowed, denied } = judgeCaller(caller, { action, resource, keys: requestKeys(facts) });
    if (allowed && !denied && (isOperator || operation.access === 'account')) return isOperator;
    throw new S3Error('AccessDenied', {
      message: `User: ${caller.arn} is not authorized to perform: ${action} on resource: ${resource}`,
    });
  }
}

/** What is asked for is in the body: the signature must cover it. */
function checkSigned(plan: PayloadPlan): void {
  if (plan.kind === 'sha256' || (plan.kind === 'chunked' && plan.signed)) return;
  throw new S3Error('AccessDenied', {
    message:
      'The signature of a request to the admin API must cover its body: x-amz-content-sha256 has to be its SHA-256.',
  });
}

const COMMON = { 'cache-control': 'no-store' };

function json(status: number, body: object, headers: Readonly<Record<string, string>> = {}): S3Response {
  return {
    status,
    headers: { ...COMMON, ...headers, 'content-type': 'application/json' },
    body: `${JSON.stringify(body)}\n`,
  };
}
