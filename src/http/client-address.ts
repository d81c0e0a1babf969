/**
 * Where a request comes from. Behind a proxy that is trusted its X-Forwarded-For says so: read from the right, the first address that is
 * no trusted proxy's is the client's, because everything further left the client may have made up.
 */
import { BlockList, isIP } from 'node:net';
import type { IncomingHttpHeaders } from 'node:http';

/** The part of a request that tells. */
export interface ForwardedRequest {
  readonly headers: IncomingHttpHeaders;
  readonly socket: { readonly remoteAddress?: string | undefined };
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

  /** The client's address; '' when the connection is gone. */
  addressOf({ socket, headers }: ForwardedRequest): string {
    const peer = socket.remoteAddress ?? '';
    if (this.#nobody || !this.#trusts(peer)) return peer;
    const forwarded = headers['x-forwarded-for'];
    const hops = (Array.isArray(forwarded) ? forwarded.join(',') : (forwarded ?? '')).split(',');
    let client = peer;
    for (const hop of hops.reverse()) {
      const address = addressIn(hop);
      // What no proxy of ours can have written ends what can be believed.
      if (address === null) return client;
      client = address;
      if (!this.#trusts(address)) return client;
    }
    return client;
  }

  #trusts(address: string): boolean {
    const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
    const family = isIP(plain);
    return family !== 0 && this.#trusted.check(plain, family === 6 ? 'ipv6' : 'ipv4');
  }
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
