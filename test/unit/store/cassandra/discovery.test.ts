// Contact points -> addresses, asked of a real DNS server on this machine.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { candidates, discover, parseSearchRules } from '../../../../src/store/cassandra/discovery.js';
import type { DnsServer } from '../../../support/dns-server.mjs';
import { startDnsServer } from '../../../support/dns-server.mjs';

let dns: DnsServer;
beforeAll(async () => {
  dns = await startDnsServer();
  dns.setAddresses('cassandra.example', ['10.0.0.1', '10.0.0.2', '10.0.0.3']);
  dns.setAddresses('cassandra-0.example', ['10.0.0.1']);
  dns.setAddresses('cassandra-1.example', ['10.0.0.2']);
  const at = (port: number) => [0, 1].map((index) => ({ target: `cassandra-${index}.example`, port }));
  dns.setServices('_cql._tcp.cassandra.example', at(9142));
  dns.setServices('_cql._tcp.mixed.example', [
    ...at(9142).slice(0, 1),
    ...at(9242).slice(1),
    { target: 'gone.example', port: 9142 },
  ]);
});
afterAll(() => dns.stop());

const find = (...contactPoints: string[]) => discover({ contactPoints, port: 9042, dnsServers: [dns.address] });

describe('discover', () => {
  it('leaves addresses as they are, and asks nobody', async () => {
    const before = dns.questions.length;
    expect(await find('10.1.1.1:9042', '[fd00::1]:9043', '10.1.1.1:9042')).toEqual({
      contactPoints: ['10.1.1.1:9042', '[fd00::1]:9043'],
      names: ['10.1.1.1', 'fd00::1', '10.1.1.1'],
      port: 9042,
    });
    expect(dns.questions.length).toBe(before);
  });

  it('takes all addresses of a name, with the port that the name has', async () => {
    expect(await find('cassandra.example:9043')).toEqual({
      contactPoints: ['10.0.0.1:9043', '10.0.0.2:9043', '10.0.0.3:9043'],
      names: ['cassandra.example'],
      port: 9042,
    });
  });

  it('takes hosts and ports of SRV records, and their port for the rest of the ring', async () => {
    expect(await find('dns+srv://_cql._tcp.cassandra.example')).toEqual({
      contactPoints: ['10.0.0.1:9142', '10.0.0.2:9142'],
      names: ['cassandra-0.example', 'cassandra-1.example'],
      port: 9142,
    });
  });

  it('keeps the configured port for the rest when records differ in theirs, and passes over targets without an address', async () => {
    const { contactPoints, port } = await find('dns+srv://_cql._tcp.mixed.example.');
    expect(contactPoints).toEqual(['10.0.0.1:9142', '10.0.0.2:9242']);
    expect(port).toBe(9042);
  });

  it('asks again each time', async () => {
    dns.setAddresses('moving.example', ['10.0.0.7']);
    expect((await find('moving.example:9042')).contactPoints).toEqual(['10.0.0.7:9042']);
    dns.setAddresses('moving.example', ['10.0.0.8', '10.0.0.9']);
    expect((await find('moving.example:9042')).contactPoints).toEqual(['10.0.0.8:9042', '10.0.0.9:9042']);
  });

  it('passes over names that do not resolve while others do, and says which when none does', async () => {
    expect((await find('nowhere.example:9042', 'cassandra-1.example:9042')).contactPoints).toEqual(['10.0.0.2:9042']);
    await expect(find('nowhere.example:9042', 'dns+srv://_cql._tcp.nowhere.example')).rejects.toMatchObject({
      kind: 'unavailable',
      outcome: 'notApplied',
      message: expect.stringMatching(/_cql\._tcp\.nowhere\.example.*nowhere\.example/) as string,
    });
  });

  it("asks the system's resolver when no server is named", async () => {
    const { contactPoints } = await discover({ contactPoints: ['localhost:9042'], port: 9042 });
    expect(contactPoints).toContain('127.0.0.1:9042');
  });
});

describe('names that are completed', () => {
  it('by the rules of resolv.conf', () => {
    const text =
      'nameserver 10.96.0.10\nsearch old.example\nsearch s3.svc.cluster.local. svc.cluster.local\noptions edns0 ndots:5\n';
    expect(parseSearchRules(text)).toEqual({ domains: ['s3.svc.cluster.local', 'svc.cluster.local'], ndots: 5 });
    expect(parseSearchRules('domain example.org\n')).toEqual({ domains: ['example.org'], ndots: 1 });
    expect(parseSearchRules('')).toEqual({ domains: [], ndots: 1 });
  });

  it('the short ones first with a domain, the long ones first without, complete ones never', () => {
    const rules = { domains: ['s3.svc.cluster.local', 'cluster.local'], ndots: 3 };
    expect(candidates('_cql._tcp.cassandra', rules)).toEqual([
      '_cql._tcp.cassandra.s3.svc.cluster.local',
      '_cql._tcp.cassandra.cluster.local',
      '_cql._tcp.cassandra',
    ]);
    expect(candidates('_cql._tcp.ring.example', rules)[0]).toBe('_cql._tcp.ring.example');
    expect(candidates('_cql._tcp.cassandra.', rules)).toEqual(['_cql._tcp.cassandra']);
  });
});
