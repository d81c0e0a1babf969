/** The configuration's limits as the parts of this folder take them. */
import type { LimitsConfig } from '../config/types.js';
import type { AdmissionLimits } from './admission.js';
import type { RequestLimitSettings } from './request-limits.js';

/** What a request is taken to need of the buffer memory when the number of requests is derived from it. */
const MEMORY_OF_REQUEST_BYTES = 64 * 1024;
const MIN_REQUESTS = 16;

export function requestLimitSettings(limits: LimitsConfig): RequestLimitSettings {
  const { rateLimit, perBucket, perTenant, tenants } = limits;
  return {
    perAddress: rateLimit?.perAddress ?? null,
    perAccessKey: rateLimit?.perAccessKey ?? null,
    perBucket,
    perTenant,
    tenants,
  };
}

/** shareOf: this process's part of a figure that is the whole server's. */
export function admissionLimits(limits: LimitsConfig, shareOf: (total: number) => number): AdmissionLimits {
  const derived = Math.max(MIN_REQUESTS, Math.floor(limits.maxBufferMemoryBytes / MEMORY_OF_REQUEST_BYTES));
  const maxRequests = limits.maxRequests ?? derived;
  return {
    maxRunning: shareOf(maxRequests),
    maxWaiting: shareOf(limits.maxWaitingRequests ?? maxRequests),
    maxWaitMs: limits.maxRequestWaitMs,
  };
}
