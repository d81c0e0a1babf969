/**
 * Requests per second of client addresses and access keys: @fastify/rate-limit, counting where all workers of the server count. An
 * address is counted before anything is looked at, a key once its signature has been verified: nobody can spend the rate of a key by
 * knowing its id.
 */
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { slowDown } from '../limits/admission.js';
import type { Rates } from '../limits/rates.js';
import type { RateLimit, Refusals } from '../limits/refusals.js';
import { rateSubject } from './client-address.js';

export interface ClientRateSettings {
  /** requests per second; null: no limit */
  readonly perAddress: number | null;
  readonly perAccessKey: number | null;
}

/** Of one request. */
export interface ClientRates {
  /** @throws S3Error SlowDown */
  address(address: string): Promise<void>;
  /** For a caller whose signature is verified. @throws S3Error SlowDown */
  accessKey(accessKey: string): Promise<void>;
}

export interface ClientRatesOptions {
  readonly rates: Rates;
  /** as of now: a reload changes them */
  readonly settings: () => ClientRateSettings;
  readonly refusals: Refusals;
}

const WINDOW_MS = 1_000;

export async function registerClientRates(
  app: FastifyInstance,
  { rates, settings, refusals }: ClientRatesOptions,
): Promise<(request: FastifyRequest) => ClientRates> {
  await app.register(rateLimit, { global: false, timeWindow: WINDOW_MS, store: sharedCounters(rates) });
  const subjects = new WeakMap<FastifyRequest, string>();
  const limiter = (limit: RateLimit, rateOf: (settings: ClientRateSettings) => number | null) => {
    const count = app.createRateLimit({
      max: () => rateOf(settings()) ?? Infinity,
      keyGenerator: (request) => subjects.get(request) ?? '',
    });
    return async (request: FastifyRequest, subject: string): Promise<void> => {
      if (rateOf(settings()) === null) return;
      subjects.set(request, subject);
      const result = await count(request);
      if (result.isAllowed || !result.isExceeded) return;
      refusals.add(limit);
      throw slowDown(result.ttl);
    };
  };
  const byAddress = limiter('address', ({ perAddress }) => perAddress);
  const byAccessKey = limiter('access-key', ({ perAccessKey }) => perAccessKey);
  return (request) => ({
    address: (address) => byAddress(request, `address ${rateSubject(address)}`),
    accessKey: (accessKey) => byAccessKey(request, `key ${accessKey}`),
  });
}

type Counted = (error: Error | null, result?: { current: number; ttl: number }) => void;

/** A store for the plugin: what it calls the count so far is 0 for a request that is within the rate. */
function sharedCounters(rates: Rates) {
  return class SharedCounters {
    incr(key: string, counted: Counted, _windowMs?: number, max = Infinity): void {
      rates.take(key, max, 0).then(
        ({ granted, waitMs }) => counted(null, { current: granted ? 0 : max + 1, ttl: waitMs }),
        (error: unknown) => counted(error instanceof Error ? error : new Error(String(error))),
      );
    }

    child(): this {
      return this;
    }
  };
}
