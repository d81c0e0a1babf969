// Types of dns-server.mjs.

export interface SrvRecord {
  readonly target: string;
  readonly port: number;
}

export interface DnsServer {
  /** `address:port` */
  readonly address: string;
  /** Names, in lower case, that have been asked for so far, each time with its type: `A cassandra.example`. */
  readonly questions: readonly string[];
  /** IPv4 addresses of a name; none: no such name. */
  setAddresses(name: string, addresses: readonly string[]): void;
  setServices(name: string, records: readonly SrvRecord[]): void;
  stop(): Promise<void>;
}

/** Listens on 127.0.0.1 and a free port unless told otherwise. */
export function startDnsServer(options?: { readonly host?: string; readonly port?: number }): Promise<DnsServer>;
