/**
 * Where the nodes are: contact points as they are configured (addresses, names, names of SRV records) -> addresses. Asked for
 * every connection anew, because nodes move: a pod of Kubernetes has another address each time it starts.
 */
import { lookup, Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { CassandraTarget } from '../../config/types.js';
import { StoreError } from '../errors.js';

/** Of one question to one server; there are two tries. */
const DNS_TIMEOUT_MS = 2_000;
const DNS_TRIES = 2;
const RESOLVER_FILE = '/etc/resolv.conf';
/** What the configuration calls a name of SRV records. */
const SRV_SCHEME = 'dns+srv://';

export interface Discovered {
  /** `address:port` and `[IPv6]:port`, each once */
  readonly contactPoints: readonly string[];
  /** Names and addresses that led there, without ports: what the nodes' certificates may name. */
  readonly names: readonly string[];
  /** Where nodes listen that only the ring tells of: it gives their addresses without ports. */
  readonly port: number;
}

interface Place {
  readonly host: string;
  readonly port: number;
}

/** How the system completes names (resolv.conf(5)). */
interface SearchRules {
  readonly domains: readonly string[];
  /** Names with fewer dots are tried with the domains first. */
  readonly ndots: number;
}

/**
 * Contact points that do not resolve are passed over while others do.
 * @throws StoreError unavailable, notApplied when none does
 */
export async function discover(
  target: Pick<CassandraTarget, 'contactPoints' | 'port' | 'dnsServers'>,
  readSearchRules: () => Promise<SearchRules> = systemSearchRules,
): Promise<Discovered> {
  const dns = new Dns(target.dnsServers, readSearchRules);
  const failures: unknown[] = [];
  const orNothing = async <T>(question: Promise<T[]>): Promise<T[]> => {
    try {
      return await question;
    } catch (error) {
      failures.push(error);
      return [];
    }
  };
  const places = await Promise.all(
    target.contactPoints.map((contactPoint) =>
      contactPoint.startsWith(SRV_SCHEME)
        ? orNothing(dns.services(contactPoint.slice(SRV_SCHEME.length)))
        : Promise.resolve([placeOf(contactPoint, target.port)]),
    ),
  );
  const found = await Promise.all(
    places.flat().map(async ({ host, port }) => {
      const addresses = isIP(host) === 0 ? await orNothing(dns.addresses(host)) : [host];
      return addresses.map((address) => (isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`));
    }),
  );
  const contactPoints = [...new Set(found.flat())];
  if (contactPoints.length === 0) {
    const reasons = [...new Set(failures.map((error) => (error instanceof Error ? error.message : String(error))))];
    throw new StoreError(
      'unavailable',
      'notApplied',
      `no contact point of Cassandra has an address: ${reasons.length > 0 ? reasons.join('; ') : target.contactPoints.join(', ')}`,
      failures[0],
    );
  }
  return { contactPoints, names: places.flat().map(({ host }) => host), port: peerPort(target, places.flat()) };
}

/** SRV records tell the port, for all nodes of the ring when they agree on it. */
function peerPort({ contactPoints, port }: Pick<CassandraTarget, 'contactPoints' | 'port'>, places: Place[]): number {
  if (!contactPoints.every((contactPoint) => contactPoint.startsWith(SRV_SCHEME))) return port;
  const [only, ...others] = new Set(places.map((place) => place.port));
  return only !== undefined && others.length === 0 ? only : port;
}

/** of `host:port`, `[IPv6]:port` and names without a port */
function placeOf(contactPoint: string, defaultPort: number): Place {
  const [, bracketed, host = contactPoint, port] = /^(?:\[(.*)\]|([^:]*))(?::(\d+))?$/.exec(contactPoint) ?? [];
  return { host: bracketed ?? host, port: port === undefined ? defaultPort : Number(port) };
}

/** The system's resolver, or the given servers. */
class Dns {
  readonly #resolver = new Resolver({ timeout: DNS_TIMEOUT_MS, tries: DNS_TRIES });
  readonly #readSearchRules: () => Promise<SearchRules>;
  /** The given servers are asked for names as they are. */
  readonly #isGiven: boolean;

  constructor(servers: readonly string[] | undefined, readSearchRules: () => Promise<SearchRules>) {
    this.#readSearchRules = readSearchRules;
    this.#isGiven = servers !== undefined;
    if (servers !== undefined) this.#resolver.setServers(servers);
  }

  /**
   * Targets of the SRV records of a name, whatever their priority and weight: the driver spreads requests over all nodes.
   * Node's resolver does not know the system's search domains, with which names inside Kubernetes are short.
   */
  async services(name: string): Promise<Place[]> {
    const names = this.#isGiven ? [name] : candidates(name, await this.#readSearchRules());
    let failure: unknown;
    for (const candidate of names) {
      try {
        const records = await this.#resolver.resolveSrv(candidate);
        return records.map(({ name: host, port }) => ({ host, port }));
      } catch (error) {
        failure ??= error;
        if (!isNoSuchName(error)) throw error;
      }
    }
    throw failure;
  }

  async addresses(host: string): Promise<string[]> {
    if (!this.#isGiven) return (await lookup(host, { all: true })).map(({ address }) => address);
    const [v4, v6] = await Promise.allSettled([this.#resolver.resolve4(host), this.#resolver.resolve6(host)]);
    const found = [v4, v6].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    if (found.length === 0 && v4.status === 'rejected') throw v4.reason;
    return found;
  }
}

function isNoSuchName(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === 'ENOTFOUND' || code === 'ENODATA';
}

/** What a name may be short for, in the order in which it is tried; a dot at its end says that it is not. */
export function candidates(name: string, { domains, ndots }: SearchRules): string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  const longer = domains.map((domain) => `${name}.${domain}`);
  return name.split('.').length - 1 >= ndots ? [name, ...longer] : [...longer, name];
}

/** The last `search` (or `domain`) line counts, and the option ndots. */
export function parseSearchRules(resolvConf: string): SearchRules {
  let domains: string[] = [];
  let ndots = 1;
  for (const line of resolvConf.split('\n')) {
    const [keyword, ...values] = line.trim().split(/\s+/);
    if (keyword === 'search') domains = values;
    if (keyword === 'domain') domains = values.slice(0, 1);
    if (keyword !== 'options') continue;
    for (const value of values) ndots = Number(/^ndots:(\d{1,2})$/.exec(value)?.[1] ?? ndots);
  }
  return { domains: domains.map((domain) => domain.replace(/\.$/, '')).filter((domain) => domain !== ''), ndots };
}

async function systemSearchRules(): Promise<SearchRules> {
  // Where there is no such file names are what they are.
  return parseSearchRules(await readFile(RESOLVER_FILE, 'utf8').catch(() => ''));
}
