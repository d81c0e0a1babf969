/** The server's certificate: read from its files, and read again when they change. */
import { readFileSync, statSync } from 'node:fs';
import type { SecureContextOptions } from 'node:tls';
import { createSecureContext } from 'node:tls';
import type { ServiceTlsConfig } from '../config/types.js';

type TlsFiles = Pick<ServiceTlsConfig, 'certFile' | 'keyFile' | 'caFile' | 'minVersion'>;

export interface Certificate {
  readonly context: SecureContextOptions;
  /** Which state of the files it was read from, or an older one. */
  readonly seen: string;
}

/** @throws Error when a file cannot be read, or certificate and key do not belong together */
export function readTls(files: TlsFiles): Certificate {
  // Looked at first: what changes while it is read is read again.
  const seen = look(files);
  return { context: contextOf(files), seen };
}

function contextOf({ certFile, keyFile, caFile, minVersion }: TlsFiles): SecureContextOptions {
  const options: SecureContextOptions = {
    cert: readFileSync(certFile),
    key: readFileSync(keyFile),
    ...(caFile === undefined ? {} : { ca: readFileSync(caFile) }),
    minVersion,
  };
  createSecureContext(options);
  return options;
}

/** The part of https.Server that is used here. */
export interface SecureServer {
  setSecureContext(options: SecureContextOptions): void;
}

export interface TlsReloaderOptions {
  readonly server: SecureServer;
  readonly files: TlsFiles;
  /** What the server has. */
  readonly certificate: Certificate;
  readonly log: { info(fields: object, message: string): void; error(fields: object, message: string): void };
}

/** New connections get the new certificate; those there are keep the one they have. */
export class TlsReloader {
  readonly #options: TlsReloaderOptions;
  #seen: string;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: TlsReloaderOptions) {
    this.#options = options;
    this.#seen = options.certificate.seen;
  }

  /** Looks every so often whether a file has changed; 0: never. */
  watch(intervalMs: number): void {
    this.stop();
    if (intervalMs === 0) return;
    this.#timer = setInterval(() => {
      if (look(this.#options.files) !== this.#seen) this.reload();
    }, intervalMs);
    this.#timer.unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  /** A file that is broken leaves the certificate that there is in use. */
  reload(): void {
    const { server, files, log } = this.#options;
    const { certFile } = files;
    this.#seen = look(files);
    try {
      server.setSecureContext(contextOf(files));
    } catch (error) {
      log.error({ err: error, certFile }, 'the new certificate cannot be used: the old one stays');
      return;
    }
    log.info({ certFile }, 'the certificate was read again');
  }
}

/** Tells one state of the files from another, also where a link is turned to another folder. */
function look({ certFile, keyFile, caFile }: TlsFiles): string {
  return [certFile, keyFile, caFile ?? certFile].map(fingerprint).join(' ');
}

function fingerprint(file: string): string {
  const stats = statSync(file, { throwIfNoEntry: false, bigint: true });
  return stats === undefined ? 'missing' : `${stats.ino}:${stats.size}:${stats.mtimeNs}`;
}
