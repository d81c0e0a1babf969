// loadConfig: a pithos.yaml (or none) to a frozen Config. Reads the sections by their field tables, then checks what no
// section can see alone: which store is meant, and which region is the default.
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { bucketstore, regions } from './cassandra-fields.js';
import { ConfigError, inOrder } from './errors.js';
import { deepFreeze } from './freeze.js';
import { HISTORICAL_TOP_LEVEL } from './historical.js';
import { Issues } from './issues.js';
import { reasonOf } from './parsers.js';
import { runtimeFields } from './runtime-fields.js';
import { nested, optional, required, section } from './schema.js';
import type { Reader } from './schema.js';
import { keystore, logging, options, service } from './service-fields.js';
import { parseSource } from './source.js';
import type { Environment, MapNode, SourceNode } from './source.js';
import { hint } from './suggest.js';
import type { Config, KeystoreConfig, StoreConfig } from './types.js';

/** The region of an embedded store whose file names none. */
export const EMBEDDED_REGION = 'us-east-1';

/** The key pair of AWS's documentation and of the original's example files. */
export const EXAMPLE_ACCESS_KEY = 'AKIAIOSFODNN7EXAMPLE';
export const EXAMPLE_SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const PUBLISHED_SECRETS = new Set([EXAMPLE_SECRET, 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY']);

const DEFAULT_TEXT = `keystore: {keys: {${EXAMPLE_ACCESS_KEY}: {master: true, tenant: test@example.com, secret: '${EXAMPLE_SECRET}'}}}`;

export interface LoadConfigOptions {
  /** The file to read; null with no text either means the built-in defaults. */
  readonly path: string | null;
  /** The file's text when the caller has it; paths in it still count from `path`'s folder. */
  readonly text?: string;
  /** When given, `${NAME}` in keys and values stands for these variables; otherwise it is ordinary text. */
  readonly env?: Environment;
  /** Folder that `path`, and paths in a text without a file, count from; the process's by default. */
  readonly workingDirectory?: string;
}

/**
 * Reads and checks a configuration.
 *
 * Paths in a file count from the file's folder, except that the default data folder `./data` counts from the working
 * directory. Sizes without a unit are bytes, durations without one milliseconds.
 *
 * @throws ConfigError with every fault found.
 */
export function loadConfig({ path, text, env, workingDirectory = process.cwd() }: LoadConfigOptions): Config {
  if (path === null && text === undefined) return defaultConfig({ workingDirectory });
  const file = path ?? '(text)';
  const issues = new Issues(file);
  const absolutePath = path === null ? null : resolve(workingDirectory, path);
  const content = text ?? readText({ file: absolutePath ?? file, issues });
  return read({
    text: content,
    file: path,
    issues,
    folder: absolutePath === null ? workingDirectory : dirname(absolutePath),
    workingDirectory,
    ...(env === undefined ? {} : { env }),
  });
}

/** What a gateway without a file runs on: the embedded store in ./data, 127.0.0.1:8080, and the published example keys. */
export function defaultConfig({
  workingDirectory = process.cwd(),
}: { readonly workingDirectory?: string } = {}): Config {
  const issues = new Issues('(built-in defaults)');
  return read({ text: DEFAULT_TEXT, file: null, issues, folder: workingDirectory, workingDirectory });
}

function readText({ file, issues }: { readonly file: string; readonly issues: Issues }): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    issues.fault({ line: null, key: '', reason: `cannot be read (${reasonOf(error)})` });
    throw new ConfigError(issues.faults);
  }
}

interface ReadOptions {
  readonly text: string;
  readonly file: string | null;
  readonly issues: Issues;
  readonly folder: string;
  readonly workingDirectory: string;
  readonly env?: Environment;
}

function read({ text, file, issues, folder, workingDirectory, env }: ReadOptions): Config {
  const reader: Reader = { issues, resolvePath: (path) => resolve(folder, path) };
  const root = parseSource({ text, issues, ...(env === undefined ? {} : { env }) });
  const sections = root === null ? null : topLevel({ node: root, key: '', reader });
  if (root === null || sections === null || issues.faults.length > 0) throw new ConfigError(issues.faults);

  const { storageClasses, ...sectionOptions } = sections.options;
  const dataDir = sectionOptions.dataDir ?? resolve(workingDirectory, 'data');
  const store: StoreConfig =
    sections.bucketstore === undefined || sections.regions === undefined
      ? { kind: 'embedded', dataDir, storageClasses: { ...storageClasses } }
      : { kind: 'cassandra', bucketstore: sections.bucketstore, regions: sections.regions };
  return deepFreeze<Config>({
    file,
    service: sections.service,
    logging: sections.logging,
    options: { ...sectionOptions, dataDir, defaultRegion: defaultRegionOf(root) ?? EMBEDDED_REGION },
    keystore: sections.keystore,
    store,
    encryption: sections.encryption,
    limits: sections.limits,
    gc: sections.gc,
    notifications: sections.notifications,
    replication: sections.replication,
    accessLog: sections.accessLog,
    ...(sections.tracing === undefined ? {} : { tracing: sections.tracing }),
    console: sections.console,
    usesExampleKeys: hasPublishedSecret(sections.keystore),
    warnings: inOrder(issues.warnings),
  });
}

const topLevel = section({
  fields: {
    service: nested('service', service),
    logging: nested('logging', logging),
    options: nested('options', options),
    keystore: required('keystore', keystore),
    bucketstore: optional('bucketstore', bucketstore),
    regions: optional('regions', regions),
    ...runtimeFields,
  },
  historical: HISTORICAL_TOP_LEVEL,
  inspect: ({ node, reader }) => {
    checkStore(node, reader.issues);
    checkDefaultRegion(node, reader.issues);
  },
});

/** Cassandra needs both sections; one alone is more likely an accident than a wish for the embedded store. */
function checkStore(root: MapNode, issues: Issues): void {
  for (const [given, missing] of [
    ['bucketstore', 'regions'],
    ['regions', 'bucketstore'],
  ] as const) {
    const entry = root.entries.get(given);
    if (entry === undefined || entry.value.kind === 'nothing' || isPresent(root.entries.get(missing)?.value)) continue;
    const reason = `needs a section ${missing} beside it; leave out both to use the embedded store`;
    issues.fault({ line: entry.line, key: given, reason });
  }
  const options = root.entries.get('options')?.value;
  const classes = options?.kind === 'map' ? options.entries.get('storage-classes') : undefined;
  if (classes !== undefined && isPresent(root.entries.get('regions')?.value)) {
    const reason = 'is of the embedded store: with Cassandra each region has its own storage-classes';
    issues.fault({ line: classes.line, key: 'options.storage-classes', reason });
  }
  const named = root.entries.get('regions')?.value;
  if (named?.kind === 'map' && named.entries.size === 0) {
    issues.fault({ line: named.line, key: 'regions', reason: 'must name at least one region' });
  }
}

/** Pithos has two places for the default region; both must agree, and Cassandra must have a region of that name. */
function checkDefaultRegion(root: MapNode, issues: Issues): void {
  const places = ['options', 'bucketstore'].flatMap((name) => {
    const value = defaultRegionIn(root, name);
    return value === null ? [] : [{ ...value, key: `${name}.default-region` }];
  });
  const [first, second] = places;
  if (first !== undefined && second !== undefined && first.text !== second.text) {
    const reason = `says '${second.text}', but ${first.key} says '${first.text}': keep one, or make them agree`;
    issues.fault({ line: second.line, key: second.key, reason });
  }
  const options = root.entries.get('options')?.value;
  const classes = options?.kind === 'map' ? options.entries.get('storage-classes') : undefined;
  if (classes !== undefined && isPresent(root.entries.get('regions')?.value)) {
    const reason = 'is of the embedded store: with Cassandra each region has its own storage-classes';
    issues.fault({ line: classes.line, key: 'options.storage-classes', reason });
  }
  const named = root.entries.get('regions')?.value;
  if (named?.kind !== 'map' || named.entries.size === 0) return;
  const names = [...named.entries.keys()];
  for (const { text, line, key } of places) {
    if (named.entries.has(text)) continue;
    issues.fault({ line, key, reason: `no section regions.${text} describes this region${hint(text, names)}` });
  }
  if (places.length === 0 && names.length > 1) {
    const reason = `is needed, because there are several regions: ${names.join(', ')}`;
    issues.fault({ line: root.entries.get('options')?.line ?? named.line, key: 'options.default-region', reason });
  }
}

/** The default region of a configuration that has passed: the one named, or the only one there is; null for neither. */
function defaultRegionOf(root: MapNode): string | null {
  const named = defaultRegionIn(root, 'options') ?? defaultRegionIn(root, 'bucketstore');
  if (named !== null) return named.text;
  const all = root.entries.get('regions')?.value;
  return all?.kind === 'map' ? ([...all.entries.keys()][0] ?? null) : null;
}

function defaultRegionIn(root: MapNode, name: string): { readonly text: string; readonly line: number } | null {
  const part = root.entries.get(name)?.value;
  const value = part?.kind === 'map' ? part.entries.get('default-region')?.value : undefined;
  return value?.kind === 'text' ? value : null;
}

function isPresent(node: SourceNode | undefined): boolean {
  return node !== undefined && node.kind !== 'nothing';
}

function hasPublishedSecret({ keys }: KeystoreConfig): boolean {
  return Object.values(keys).some(({ secret }) => PUBLISHED_SECRETS.has(secret));
}
