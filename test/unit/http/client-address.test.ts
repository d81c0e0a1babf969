import { describe, expect, it } from 'vitest';
import { ProxyTrust, rateSubject } from '../../../src/http/client-address.js';

const from = (remoteAddress: string | undefined, forwarded?: string) => ({
  socket: { remoteAddress },
  headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
});

describe('ProxyTrust', () => {
  const trust = new ProxyTrust(['10.0.0.0/8', '2001:db8::/32', '192.0.2.1']);

  it.each([
    ['a stranger that claims to be somebody', '203.0.113.9', '198.51.100.1', '203.0.113.9'],
    ['a proxy without the header', '10.1.2.3', undefined, '10.1.2.3'],
    ['a proxy', '10.1.2.3', '198.51.100.1', '198.51.100.1'],
    ['a proxy over an IPv6 socket', '::ffff:10.1.2.3', '198.51.100.1', '198.51.100.1'],
    ['two proxies', '10.1.2.3', '198.51.100.1, 10.9.9.9', '198.51.100.1'],
    ['what the client made up', '10.1.2.3', '127.0.0.1, 198.51.100.1, 192.0.2.1', '198.51.100.1'],
    ['proxies only', '10.1.2.3', '10.4.4.4, 10.5.5.5', '10.4.4.4'],
    ['a port', '10.1.2.3', '198.51.100.1:41000', '198.51.100.1'],
    ['IPv6', '2001:db8::1', '2001:470::7', '2001:470::7'],
    ['IPv6 with a port', '2001:db8::1', '[2001:470::7]:41000', '2001:470::7'],
    ['nonsense', '10.1.2.3', '198.51.100.1, unknown', '10.1.2.3'],
    ['nonsense behind a proxy', '10.1.2.3', 'nonsense, 10.9.9.9', '10.9.9.9'],
    ['nothing', '10.1.2.3', '', '10.1.2.3'],
  ])('%s', (_name, peer, forwarded, expected) => {
    expect(trust.originOf(from(peer, forwarded)).address).toBe(expected);
  });

  it('trusts nobody by default', () => {
    expect(new ProxyTrust([]).originOf(from('10.1.2.3', '198.51.100.1')).address).toBe('10.1.2.3');
    expect(new ProxyTrust([]).originOf(from(undefined, '198.51.100.1')).address).toBe('');
  });

  const secure = (peer: string, proto: string | undefined, { hops = '198.51.100.1', tls = false } = {}): boolean =>
    trust.originOf({
      socket: { remoteAddress: peer, ...(tls ? { encrypted: true } : {}) },
      headers: { 'x-forwarded-for': hops, ...(proto === undefined ? {} : { 'x-forwarded-proto': proto }) },
    }).secure;

  it.each([
    ['a stranger that claims it', '203.0.113.9', 'https', '198.51.100.1', false],
    ['a proxy', '10.1.2.3', 'https', '198.51.100.1', true],
    ['a proxy in capitals', '10.1.2.3', 'HTTPS', '198.51.100.1', true],
    ['a proxy that was reached without it', '10.1.2.3', 'http', '198.51.100.1', false],
    ['a proxy that added to what the client claims', '10.1.2.3', 'https, http', '198.51.100.1', false],
    ['two proxies that each add', '10.1.2.3', 'https, http', '198.51.100.1, 10.9.9.9', true],
    ['two proxies behind a claim', '10.1.2.3', 'https, http, http', '198.51.100.1, 10.9.9.9', false],
    ['two proxies, the second of which keeps it', '10.1.2.3', 'https', '198.51.100.1, 10.9.9.9', true],
    ['a proxy that tells no address', '10.1.2.3', 'https', '', true],
    ['nonsense', '10.1.2.3', 'gopher', '198.51.100.1', false],
    ['nothing', '10.1.2.3', undefined, '198.51.100.1', false],
  ])('of TLS: %s', (_name, peer, proto, hops, expected) => {
    expect(secure(peer, proto, { hops })).toBe(expected);
  });

  it("takes its own TLS for the client's where nobody it trusts says otherwise", () => {
    expect(secure('203.0.113.9', 'http', { tls: true })).toBe(true);
    expect(secure('10.1.2.3', undefined, { tls: true })).toBe(true);
    expect(secure('10.1.2.3', 'http', { tls: true })).toBe(false);
  });
});

describe('rateSubject', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:DB8:0001:2:ffff::', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['64:ff9b::192.0.2.7', '64:ff9b:0:0::/64'],
  ])('%s counts as %s', (address, subject) => {
    expect(rateSubject(address)).toBe(subject);
  });
});
