import { describe, expect, it } from 'vitest';
import {
  isThereAlready,
  loadMigrations,
  parseMigration,
  renderStatement,
  splitStatements,
} from '../../../../src/store/cassandra/migrations.js';

const FILE = `-- layer: metastore
-- A comment; with a semicolon and 'quotes'.
CREATE TABLE IF NOT EXISTS {keyspace}.a (
  k text PRIMARY KEY -- trailing
) WITH comment = 'it''s -- not; a comment';

CREATE TABLE IF NOT EXISTS {keyspace}.b (k text PRIMARY KEY);
`;

describe('parseMigration', () => {
  it('reads layer, id and statements', () => {
    const migration = parseMigration('0007-some-name.cql', FILE);
    expect(migration.id).toBe('0007-some-name');
    expect(migration.layer).toBe('metastore');
    expect(migration.statements).toEqual([
      "CREATE TABLE IF NOT EXISTS {keyspace}.a ( k text PRIMARY KEY ) WITH comment = 'it''s -- not; a comment'",
      'CREATE TABLE IF NOT EXISTS {keyspace}.b (k text PRIMARY KEY)',
    ]);
  });

  it('has a checksum of the statements, not of comments and spacing', () => {
    const { checksum } = parseMigration('0001-a.cql', FILE);
    expect(parseMigration('0001-a.cql', FILE.replace('-- trailing', '-- other words')).checksum).toBe(checksum);
    expect(parseMigration('0001-a.cql', FILE.replace('k text PRIMARY KEY);', 'k int PRIMARY KEY);')).checksum).not.toBe(
      checksum,
    );
  });

  it.each([
    ['1-a.cql', FILE, /NNNN-name/],
    ['0001_a.cql', FILE, /NNNN-name/],
    ['0001-a.cql', FILE.replace('metastore', 'attic'), /header/],
    ['0001-a.cql', '-- layer: blobstore\n-- nothing else;', /no statement/],
    ['0001-a.cql', '-- layer: blobstore\nCREATE TABLE x (k int PRIMARY KEY);', /\{keyspace\}/],
  ])('refuses %s', (name, text, reason) => {
    expect(() => parseMigration(name, text)).toThrow(reason);
  });
});

describe('splitStatements', () => {
  it('needs no semicolon at the end', () => {
    expect(splitStatements('A; B')).toEqual(['A', 'B']);
  });
});

describe('renderStatement', () => {
  const statement =
    "X {keyspace}.t WITH compaction = {'class': 'UnifiedCompactionStrategy', 'scaling_parameters': 'L4'}";
  it('fills in the keyspace and keeps unified compaction where it exists', () => {
    expect(renderStatement(statement, '"Ks"', '5.0.6')).toBe(statement.replace('{keyspace}', '"Ks"'));
  });

  it('falls back on older servers', () => {
    expect(renderStatement(statement, 'ks', '4.1.3')).toBe(
      "X ks.t WITH compaction = {'class': 'LeveledCompactionStrategy'}",
    );
    expect(renderStatement(statement.replace('L4', 'T4'), 'ks', '4.0.0')).toBe(
      "X ks.t WITH compaction = {'class': 'SizeTieredCompactionStrategy'}",
    );
  });
});

describe('a column that is added', () => {
  const statement = 'ALTER TABLE {keyspace}.t ADD IF NOT EXISTS c blob STATIC';

  it('is added where servers do not know the condition either', () => {
    expect(renderStatement(statement, 'ks', '5.0.6')).toBe('ALTER TABLE ks.t ADD IF NOT EXISTS c blob STATIC');
    expect(renderStatement(statement, 'ks', '4.1.3')).toBe('ALTER TABLE ks.t ADD IF NOT EXISTS c blob STATIC');
    expect(renderStatement(statement, 'ks', '4.0.11')).toBe('ALTER TABLE ks.t ADD c blob STATIC');
  });

  it('may be there already', () => {
    const refusal = 'Invalid column name c because it conflicts with an existing column';
    expect(isThereAlready('ALTER TABLE ks.t ADD c blob STATIC', refusal)).toBe(true);
    expect(isThereAlready('ALTER TABLE ks.t ADD c blob STATIC', 'unconfigured table t')).toBe(false);
    expect(isThereAlready('CREATE TABLE ks.t (c blob PRIMARY KEY)', refusal)).toBe(false);
  });
});

describe('schema/', () => {
  it('holds migrations in order for every layer, each repeatable', async () => {
    const migrations = await loadMigrations();
    expect(migrations.map(({ id }) => id)).toEqual([...migrations.map(({ id }) => id)].sort());
    expect(new Set(migrations.map(({ layer }) => layer))).toEqual(new Set(['bucketstore', 'metastore', 'blobstore']));
    for (const { statements } of migrations) {
      // Options of a table may be set again.
      for (const statement of statements)
        expect(statement).toMatch(/ IF NOT EXISTS | IF EXISTS |^ALTER TABLE \S+ WITH /);
    }
  });

  it('takes no table name of the original Pithos, and none twice, so that all layers may share a keyspace', async () => {
    const statements = (await loadMigrations()).flatMap((migration) => migration.statements);
    const tables = statements.flatMap(
      (statement) => /^CREATE TABLE IF NOT EXISTS \{keyspace\}\.(\w+)/.exec(statement)?.[1] ?? [],
    );
    expect(tables.length).toBeGreaterThan(0);
    expect(new Set(tables).size).toBe(tables.length);
    for (const original of ['bucket', 'object', 'upload', 'inode_blocks', 'block', 'object_uploads']) {
      expect(tables).not.toContain(original);
    }
  });
});
