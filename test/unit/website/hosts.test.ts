import { describe, expect, it } from 'vitest';
import { OPERATIONS } from '../../../src/s3/operations.js';
import type { BucketRecord } from '../../../src/store/types.js';
import { Website } from '../../../src/website/website.js';

/** No bucket is looked up: these hosts say enough. */
const buckets = {
  get: (name: string): Promise<BucketRecord | null> => Promise.reject(new Error(`${name} was looked up`)),
};

function siteOf(host: string, hosts: readonly string[], serviceHosts: readonly string[]): Promise<string | null> {
  return new Website({ hosts, serviceHosts, customDomains: true, buckets, table: OPERATIONS }).siteOf(host);
}

describe('the site that a host names', () => {
  it.each([
    ['b.site.example.com', 'b'],
    ['B.Site.Example.com:8080', 'b'],
    ['www.b.site.example.com', 'www.b'],
    ['site.example.com', null],
    ['s3.example.com', null],
    ['b.s3.example.com', null],
    ['', null],
    ['127.0.0.1:8080', null],
    ['[::1]:8080', null],
    [`${'x'.repeat(300)}.org`, null],
  ])('%j: %s', async (host, expected) => {
    expect(await siteOf(host, ['site.example.com'], ['s3.example.com'])).toBe(expected);
  });

  it.each([
    // websites above the API
    ['b.example.com', ['example.com'], ['s3.example.com'], 'b'],
    ['s3.example.com', ['example.com'], ['s3.example.com'], null],
    ['b.s3.example.com', ['example.com'], ['s3.example.com'], null],
    // and below it
    ['b.site.example.com', ['site.example.com'], ['example.com'], 'b'],
    ['site.example.com', ['site.example.com'], ['example.com'], null],
    ['c.example.com', ['site.example.com'], ['example.com'], null],
    // several names
    ['b.eu.site.example.com', ['site.example.com', 'eu.site.example.com'], [], 'b'],
  ] as const)('%s of sites under %j, API under %j: %s', async (host, hosts, serviceHosts, expected) => {
    expect(await siteOf(host, hosts, serviceHosts)).toBe(expected);
  });
});
