/** Reads the numbered CQL files of schema/. Pure but for the reading of files; bootstrap.ts applies what this finds. */
import { createHash } from 'node:crypto';
import { access, readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StoreError } from '../errors.js';

export type Layer = 'bucketstore' | 'metastore' | 'blobstore';

export interface Migration {
  /** file name without its extension: what schema_migration records */
  readonly id: string;
  readonly layer: Layer;
  /** with `{keyspace}` still in them */
  readonly statements: readonly string[];
  /** SHA-256 of the statements without comments and spacing, hex */
  readonly checksum: string;
}

const FILE = /^(\d{4}-[a-z0-9-]+)\.cql$/;
const LAYER = /^--\s*layer:\s*(\S+)\s*$/m;

/** @throws StoreError internal when the file is not a migration */
export function parseMigration(fileName: string, text: string): Migration {
  const id = FILE.exec(fileName)?.[1];
  if (id === undefined) throw faulty(fileName, 'its name is not NNNN-name.cql');
  const layer = LAYER.exec(text)?.[1];
  if (layer !== 'bucketstore' && layer !== 'metastore' && layer !== 'blobstore') {
    throw faulty(fileName, 'it has no header "-- layer: bucketstore|metastore|blobstore"');
  }
  const statements = splitStatements(text);
  if (statements.length === 0) throw faulty(fileName, 'it holds no statement');
  for (const statement of statements) {
    if (!statement.includes('{keyspace}')) throw faulty(fileName, `a statement does not name {keyspace}: ${statement}`);
  }
  const checksum = createHash('sha256').update(statements.join(';')).digest('hex');
  return { id, layer, statements, checksum };
}

/** Statements without comments, blank-trimmed; a `;` or `--` inside quotes is text. */
export function splitStatements(text: string): string[] {
  const statements: string[] = [];
  let current = '';
  let i = 0;
  while (i < text.length) {
    const char = text.charAt(i);
    if (char === "'" || char === '"') {
      const end = text.indexOf(char, i + 1);
      const stop = end === -1 ? text.length : end + 1;
      current += text.slice(i, stop);
      i = stop;
    } else if (text.startsWith('--', i)) {
      const end = text.indexOf('\n', i);
      i = end === -1 ? text.length : end;
    } else if (char === ';') {
      statements.push(current);
      current = '';
      i += 1;
    } else {
      current += char;
      i += 1;
    }
  }
  statements.push(current);
  return statements
    .map((statement) => statement.trim().replaceAll(/\s+/g, ' '))
    .filter((statement) => statement !== '');
}

const UNIFIED = /compaction = \{'class': 'UnifiedCompactionStrategy', 'scaling_parameters': '([TL])\d+'\}/g;

/** Servers before 4.1 do not know it of columns, and say that the column is there (`isThereAlready`). */
const ADD_IF_NOT_EXISTS = /^(ALTER TABLE \S+ ADD) IF NOT EXISTS /;

/** The statement for a keyspace (as written in CQL) on a server of that version, e.g. '5.0.6'. */
export function renderStatement(statement: string, keyspace: string, serverVersion: string): string {
  const named = statement.replaceAll('{keyspace}', keyspace);
  if (majorOf(serverVersion) >= 5) return named;
  const rendered = /^(4\.0|[0-3])\./.test(serverVersion) ? named.replace(ADD_IF_NOT_EXISTS, '$1 ') : named;
  return rendered.replaceAll(UNIFIED, (_match, scaling: string) => {
    const older = scaling === 'T' ? 'SizeTieredCompactionStrategy' : 'LeveledCompactionStrategy';
    return `compaction = {'class': '${older}'}`;
  });
}

/** Whether a server's refusal says that the column to be added is there: an interrupted bootstrap has added it. */
export function isThereAlready(statement: string, message: string): boolean {
  return /^ALTER TABLE \S+ ADD /.test(statement) && /conflicts with an existing column|already exists/i.test(message);
}

function majorOf(version: string): number {
  return Number.parseInt(version, 10);
}

/** All migrations, in order. @throws StoreError internal when the folder is missing or a file is faulty */
export async function loadMigrations(folder?: string): Promise<readonly Migration[]> {
  const from = folder ?? (await schemaFolder());
  const names = (await readdir(from)).filter((name) => name.endsWith('.cql')).sort();
  const migrations = await Promise.all(
    names.map(async (name) => parseMigration(name, await readFile(join(from, name), 'utf8'))),
  );
  if (migrations.length === 0) throw new StoreError('internal', 'notApplied', `no schema migrations in ${from}`);
  return migrations;
}

/** schema/ of the package that this file belongs to, whether it runs from src or from dist. */
async function schemaFolder(): Promise<string> {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const candidate = join(folder, 'schema');
    if ((await exists(join(folder, 'package.json'))) && (await exists(candidate))) return candidate;
    const parent = dirname(folder);
    if (parent === folder)
      throw new StoreError('internal', 'notApplied', 'the folder schema/ of the package is missing');
    folder = parent;
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function faulty(fileName: string, why: string): StoreError {
  return new StoreError('internal', 'notApplied', `schema/${fileName} is not a migration: ${why}`);
}
