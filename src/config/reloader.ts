// Reading the configuration again while the server runs: tells which settings have changed, which of them are obeyed at once, and
// which need a restart. A file with faults changes nothing.
import { readFileSync, statSync } from 'node:fs';
import { ConfigError, formatIssue } from './errors.js';
import { Issues } from './issues.js';
import { loadConfig } from './load.js';
import { reasonOf } from './parsers.js';
import { parseSource } from './source.js';
import type { Environment, SourceNode } from './source.js';
import type { Config } from './types.js';

/** Keys of the file that a running server obeys, with all that is under them. */
export const RELOADABLE: readonly string[] = [
  'keystore',
  'logging.level',
  'logging.overrides',
  'limits.rate-limit',
  'limits.max-requests',
  'limits.max-waiting-requests',
  'limits.max-request-wait',
  'limits.per-bucket',
  'limits.per-tenant',
  'limits.tenants',
  'service.trusted-proxies',
  'service.drain-timeout',
  'service.drain-delay',
];

/** Every value of a file by its dotted key. */
export type Settings = ReadonlyMap<string, string>;

/** Values as they are written, references to the environment resolved; what is not YAML has none. */
export function settingsOf(text: string, env: Environment): Settings {
  const settings = new Map<string, string>();
  const add = (key: string, node: SourceNode): void => {
    const under = (name: string): string => (key === '' ? name : `${key}.${name}`);
    if (node.kind === 'text') settings.set(key, node.text);
    else if (node.kind === 'list') node.items.forEach((item, index) => add(`${key}[${index}]`, item));
    else if (node.kind === 'map') for (const [name, { value }] of node.entries) add(under(name), value);
  };
  const root = parseSource({ text, issues: new Issues(''), env });
  if (root !== null) add('', root);
  return settings;
}

export interface Changes {
  /** obeyed at once */
  readonly applied: readonly string[];
  readonly needRestart: readonly string[];
}

/** Keys whose values differ; one that is gone, or new, has changed from, or to, its default. */
export function changesBetween(before: Settings, after: Settings): Changes {
  const keys = new Set([...before.keys(), ...after.keys()]);
  const changed = [...keys].filter((key) => before.get(key) !== after.get(key)).sort();
  const isReloadable = (key: string): boolean =>
    RELOADABLE.some((prefix) => key === prefix || key.startsWith(`${prefix}.`) || key.startsWith(`${prefix}[`));
  return {
    applied: changed.filter(isReloadable),
    needRestart: changed.filter((key) => !isReloadable(key)),
  };
}

export interface ConfigReloaderOptions {
  /** null: the server runs without a file */
  readonly path: string | null;
  readonly env: Environment;
  /** Obeys what of it can be obeyed. */
  readonly apply: (config: Config) => void;
  /** null: others of the server's processes say it */
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
    error(fields: object, message: string): void;
  } | null;
}

export class ConfigReloader {
  readonly #options: ConfigReloaderOptions;
  /** as the server was started with */
  readonly #started: Settings;
  /** as last obeyed */
  #current: Settings;
  #seen: string;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: ConfigReloaderOptions) {
    this.#options = options;
    this.#seen = this.#look();
    this.#started = this.#read();
    this.#current = this.#started;
  }

  /** Looks every so often whether the file has changed; 0: never. */
  watch(intervalMs: number, onChange: () => void): void {
    if (intervalMs === 0 || this.#options.path === null) return;
    this.#timer = setInterval(() => {
      if (this.#look() !== this.#seen) onChange();
    }, intervalMs);
    this.#timer.unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  /** Never throws. */
  reload(): void {
    const { path, env, apply, log } = this.#options;
    if (path === null) {
      log?.warn({}, 'there is no configuration file to read again');
      return;
    }
    this.#seen = this.#look();
    try {
      const text = readFileSync(path, 'utf8');
      const config = loadConfig({ path, text, env });
      const settings = settingsOf(text, env);
      apply(config);
      const { applied } = changesBetween(this.#current, settings);
      const { needRestart } = changesBetween(this.#started, settings);
      this.#current = settings;
      for (const issue of config.warnings) log?.warn({}, formatIssue(issue));
      log?.info({ file: path, changed: applied }, 'the configuration was read again');
      if (needRestart.length > 0) log?.warn({ settings: needRestart }, 'changed settings that need a restart');
    } catch (error) {
      const faults =
        error instanceof ConfigError ? error.faults.map(formatIssue) : [`${path}: cannot be read (${reasonOf(error)})`];
      log?.error({ file: path, faults }, 'the configuration is wrong: the old one stays');
    }
  }

  #read(): Settings {
    const { path, env } = this.#options;
    if (path === null) return new Map();
    try {
      return settingsOf(readFileSync(path, 'utf8'), env);
    } catch {
      return new Map();
    }
  }

  #look(): string {
    const { path } = this.#options;
    const stats = path === null ? undefined : statSync(path, { throwIfNoEntry: false, bigint: true });
    return stats === undefined ? 'missing' : `${stats.ino}:${stats.size}:${stats.mtimeNs}`;
  }
}
