/**
 * What a bucket's policy lets a service of the server do on its own account: access logs and inventory reports are delivered
 * to buckets that grant it to 'logging.s3.amazonaws.com' and 's3.amazonaws.com'. Nothing but the policy grants it. Pure.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-services
 */
import { evaluatePolicies } from './policy-evaluate.js';
import type { ConditionKeys, Policy } from './policy-model.js';

export interface ServiceRequest {
  /** of the bucket that is written to; null: it has none */
  readonly policy: Policy | null;
  /** 's3.amazonaws.com' */
  readonly service: string;
  /** 's3:PutObject' */
  readonly action: string;
  /** ARN of what is written */
  readonly resource: string;
  /** who owns it */
  readonly resourceAccount: string;
  /** ARN of the bucket on whose behalf the service acts: aws:SourceArn */
  readonly sourceArn: string;
  /** the account that owns that bucket: aws:SourceAccount */
  readonly sourceAccount: string;
  /** ms since the epoch */
  readonly nowMs: number;
  /** Further condition keys, lower-case name -> values. */
  readonly keys?: ReadonlyMap<string, readonly string[]>;
}

/** Whether the policy allows it, and does not deny it. */
export function isServiceAllowed(request: ServiceRequest): boolean {
  return judgeService(request) === 'allow';
}

/** none: the policy says nothing about it */
export function judgeService(request: ServiceRequest): 'allow' | 'deny' | 'none' {
  const { policy, service, action, resource } = request;
  if (policy === null) return 'none';
  const principal = {
    type: 'Service',
    account: null,
    names: [service],
    id: null,
    userName: null,
    actsForUsers: false,
  } as const;
  return evaluatePolicies([policy], { principal, action, resource, keys: keysOf(request) }).decision;
}

function keysOf(request: ServiceRequest): ConditionKeys {
  return {
    get(name) {
      const key = name.toLowerCase();
      const given = request.keys?.get(key);
      if (given !== undefined) return given;
      const value = valueOf(request, key);
      return value === null ? null : [value];
    },
  };
}

function valueOf(request: ServiceRequest, key: string): string | null {
  switch (key) {
    case 'aws:sourcearn':
      return request.sourceArn;
    case 'aws:sourceaccount':
      return request.sourceAccount;
    case 'aws:principaltype':
      return 'Service';
    case 'aws:principalisawsservice':
      return 'true';
    case 'aws:viaawsservice':
      return 'false';
    case 'aws:principalservicename':
    case 'aws:principalservicenameslist':
      return request.service;
    case 'aws:resourceaccount':
    case 's3:resourceaccount':
      return request.resourceAccount;
    case 'aws:securetransport':
      // It never leaves the server.
      return 'true';
    case 'aws:currenttime':
      return new Date(request.nowMs).toISOString();
    case 'aws:epochtime':
      return String(Math.floor(request.nowMs / 1000));
    case 's3:objectcreationoperation':
      return request.action === 's3:PutObject' ? 'true' : 'false';
    default:
      return null;
  }
}
