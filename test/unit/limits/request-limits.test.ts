import { describe, expect, it } from 'vitest';
import { RateHub } from '../../../src/limits/rate-hub.js';
import { Rates } from '../../../src/limits/rates.js';
import { Refusals } from '../../../src/limits/refusals.js';
import type { RequestLimitSettings } from '../../../src/limits/request-limits.js';
import { RequestLimits } from '../../../src/limits/request-limits.js';
import { LIMITS_DOCUMENT } from '../../../src/limits/throughput.js';
import type { Throughput } from '../../../src/limits/throughput.js';
import type { BucketRecord } from '../../../src/store/types.js';

const NEVER = new AbortController().signal;
const NOTHING: RequestLimitSettings = {
  perAddress: null,
  perAccessKey: null,
  perBucket: {},
  perTenant: {},
  tenants: {},
};

function bucket(name: string, own?: Throughput): BucketRecord {
  return {
    name,
    instance: name,
    region: 'here',
    owner: { id: 'tenant', displayName: 'tenant' },
    createdAt: 0,
    revision: 1,
    state: 'active',
    versioning: 'unversioned',
    objectLock: false,
    documents: own === undefined ? {} : { [LIMITS_DOCUMENT]: JSON.stringify(own) },
  };
}

function open(changes: Partial<RequestLimitSettings>, gateways = 1) {
  let counted = 0;
  const refusals = new Refusals();
  const limits = new RequestLimits({
    settings: { ...NOTHING, ...changes },
    // A clock that stands: nothing comes in again.
    rates: new Rates({ source: new RateHub({ now: () => 0 }), remote: false, now: () => 0 }),
    gateways: {
      count: () => {
        counted++;
        return gateways;
      },
    },
    refusals,
  });
  return { limits, counted: () => counted, refusals };
}

/** How many requests pass before one is refused. */
async function passed(limits: RequestLimits, about: Parameters<RequestLimits['lane']>[0]): Promise<number> {
  const aborter = new AbortController();
  for (let count = 0; count < 100; count++) {
    // Those that would have to wait for their turn have passed too; nobody waits for them here.
    const lane = limits.lane(about, aborter.signal).then(
      () => null,
      (error: unknown) => error,
    );
    const outcome = await Promise.race([lane, new Promise((resolve) => setTimeout(resolve, 5, 'waits'))]);
    if (outcome !== null && outcome !== 'waits') {
      expect(outcome).toMatchObject({ code: 'SlowDown', status: 503 });
      aborter.abort();
      return count;
    }
  }
  aborter.abort();
  return Infinity;
}

describe('RequestLimits', () => {
  it('let everything pass where nothing is limited, and count no gateways for it', async () => {
    const { limits, counted } = open({});
    expect(await limits.lane({ bucket: bucket('b'), tenant: 'tenant' }, NEVER)).toEqual({ in: null, out: null });
    expect(counted()).toBe(0);
  });

  // Each lets the slack pass, and what comes in within the second that a request waits.
  it.each([
    ['the default of buckets', { perBucket: { requestsPerSecond: 3 } }, undefined, 6],
    ['a bucket’s own figure', { perBucket: { requestsPerSecond: 3 } }, { requestsPerSecond: 5 }, 10],
    ['a bucket’s own figure of none', { perBucket: { requestsPerSecond: 3 } }, { requestsPerSecond: 0 }, Infinity],
    ['another figure of its own', { perBucket: { requestsPerSecond: 3 } }, { bytesInPerSecond: 2048 }, 6],
    ['the default of tenants', { perTenant: { requestsPerSecond: 2 } }, undefined, 4],
    [
      'a tenant’s own figure',
      { perTenant: { requestsPerSecond: 2 }, tenants: { tenant: { requestsPerSecond: 4 } } },
      {},
      8,
    ],
    ['the tighter of both', { perBucket: { requestsPerSecond: 2 }, perTenant: { requestsPerSecond: 9 } }, {}, 4],
  ] as const)('%s', async (_name, settings, own, expected) => {
    const { limits } = open(settings);
    expect(await passed(limits, { bucket: bucket('b', own), tenant: 'tenant' })).toBe(expected);
  });

  it('are shared out among gateways, and by nothing else', async () => {
    const { limits } = open({ perBucket: { requestsPerSecond: 12 } }, 4);
    expect(await passed(limits, { bucket: bucket('one'), tenant: null })).toBe(6);
    expect(await passed(limits, { bucket: bucket('other'), tenant: null })).toBe(6);
  });

  it('count whom they refuse by what was too much', async () => {
    const { limits, refusals } = open({ perBucket: { requestsPerSecond: 2 }, perTenant: { requestsPerSecond: 6 } });
    await passed(limits, { bucket: bucket('b'), tenant: 'tenant' });
    expect(refusals.counts).toEqual({ address: 0, 'access-key': 0, bucket: 1, tenant: 0 });
    await passed(limits, { bucket: null, tenant: 'tenant' });
    expect(refusals.counts).toEqual({ address: 0, 'access-key': 0, bucket: 1, tenant: 1 });
  });

  it('pace bytes by all that is limited', async () => {
    const { limits } = open({ perBucket: { bytesInPerSecond: 4096 }, perTenant: { bytesOutPerSecond: 8192 } }, 2);
    const lane = await limits.lane({ bucket: bucket('b'), tenant: 'tenant' }, NEVER);
    expect([lane.in?.perSecond, lane.out?.perSecond]).toEqual([2048, 4096]);
    await lane.in?.wait(2048, NEVER);
    const aborter = new AbortController();
    const waiting = lane.in?.wait(2048, aborter.signal);
    aborter.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
    // The other way has a rate of its own.
    await lane.out?.wait(4096, NEVER);
  });

  it('obey new figures', async () => {
    const { limits } = open({ perBucket: { requestsPerSecond: 1 } });
    expect(await passed(limits, { bucket: bucket('b'), tenant: null })).toBe(2);
    limits.update(NOTHING);
    expect(await passed(limits, { bucket: bucket('b'), tenant: null })).toBe(Infinity);
  });
});
