/**
 * Where a request comes from, and whether over TLS. Behind a proxy that is trusted its X-Forwarded-For and X-Forwarded-Proto say so: read
 * from the right, the first address that is no trusted proxy's is the client's, because everything further left the client may have made up.
 */
import { BlockList, isIP } from 'node:net';
import type { IncomingHttpHeaders } from 'node:http';

/** The part of a request that tells. */
export interface ForwardedRequest {
  readonly headers: IncomingHttpHeaders;
  readonly socket: { readonly remoteAddress?: string | undefined };
}

/** What is known of a request's client. */
export interface RequestOrigin {
  /** '' when the connection is gone */
  readonly address: string;
  /** The client's own connection has TLS. */
  readonly secure: boolean;
}

export class ProxyTrust {
  readonly #trusted = new BlockList();
  readonly #nobody: boolean;

  /** @param ranges addresses or CIDR ranges, checked by the configuration */
  constructor(ranges: readonly string[]) {
    this.#nobody = ranges.length === 0;
    for (const range of ranges) {
      const [address = '', bits] = range.split('/');
      const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
      if (bits === undefined) this.#trusted.addAddress(address, family);
      else this.#trusted.addSubnet(address, Number(bits), family);
    }
  }

  originOf({ socket, headers }: ForwardedRequest): RequestOrigin {
    const peer = socket.remoteAddress ?? '';
    const secure = 'encrypted' in socket;
    if (this.#nobody || !this.#trusts(peer)) return { address: peer, secure };
    const { address, proxies } = this.#client(peer, listed(headers['x-forwarded-for']));
    return { address, secure: schemeBefore(proxies, listed(headers['x-forwarded-proto'])) ?? secure };
  }

  /** The client, and how many proxies of ours the request came through. */
  #client(peer: string, hops: readonly string[]): { readonly address: string; readonly proxies: number } {
    let client = peer;
    for (const [index, hop] of [...hops].reverse().entries()) {
      const address = addressIn(hop);
      // What no proxy of ours can have written ends what can be believed.
      if (address === null) return { address: client, proxies: index + 1 };
      client = address;
      if (!this.#trusts(address)) return { address: client, proxies: index + 1 };
    }
    return { address: client, proxies: Math.max(1, hops.length) };
  }

  #trusts(address: string): boolean {
    const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
    const family = isIP(plain);
    return family !== 0 && this.#trusted.check(plain, family === 6 ? 'ipv6' : 'ipv4');
  }
}

function listed(header: string | readonly string[] | undefined): readonly string[] {
  const text = typeof header === 'string' ? header : (header ?? []).join(',');
  return text.trim() === '' ? [] : text.split(',');
}

/**
 * Whether the client came over TLS. Proxies that pass the header on, or write it anew, say it once: of what is left then, the leftmost is
 * the first proxy's. Where each has added its own, the first of ours has written the one that is as far from the right as there are
 * proxies; what is further left the client may have made up. null: nobody said.
 */
function schemeBefore(proxies: number, schemes: readonly string[]): boolean | null {
  const scheme = schemes[Math.max(0, schemes.length - proxies)]?.trim().toLowerCase();
  return scheme === 'https' ? true : scheme === 'http' ? false : null;
}

/** 'address', 'address:port' and '[IPv6]:port', as proxies write them; null: no address */
function addressIn(hop: string): string | null {
  const [, bracketed, plain = ''] = /^\s*(?:"?\[([^\]]*)\](?::\d+)?"?|([^\s]*))\s*$/.exec(hop) ?? [];
  const address = bracketed ?? (isIP(plain) === 0 ? plain.replace(/:\d+$/, '') : plain);
  return isIP(address) === 0 ? null : address;
}

/** Whom an address is counted for: an IPv4 address, or the /64 that one holder of IPv6 addresses has all of. */
export function rateSubject(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  if (isIP(plain) !== 6) return plain;
  const [left = '', right] = plain.split('::');
  const groups = left === '' ? [] : left.split(':');
  if (right !== undefined) {
    const tail = right === '' ? [] : right.split(':');
    // A dotted quad at the end is two groups.
    const missing = 8 - groups.length - tail.length - (right.includes('.') ? 1 : 0);
    groups.push(...Array.from({ length: missing }, () => '0'), ...tail);
  }
  const network = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(':')}::/64`;
}
