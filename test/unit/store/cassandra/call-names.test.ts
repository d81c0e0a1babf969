// Names of statements for metrics and traces: what they do and where, never with what.
import { describe, expect, it } from 'vitest';
import { CallNames, callName } from '../../../../src/store/cassandra/call-names.js';

describe('callName', () => {
  it.each([
    ['SELECT a, b FROM ks.object_head WHERE bucket = ?', 'read', 'select object_head'],
    ['SELECT a\n  FROM "Ks".blob_block\n WHERE inode = ?', 'read', 'select blob_block'],
    ['INSERT INTO ks.garbage (a) VALUES (?) USING TIMESTAMP ?', 'write', 'insert garbage'],
    ['UPDATE ks.object_head SET a = ? WHERE b = ? IF seq = ?', 'cas', 'cas object_head'],
    ['DELETE FROM ks.object_index USING TIMESTAMP ? WHERE a = ?', 'write', 'delete object_index'],
    ['DELETE a, b FROM object_index WHERE a = ?', 'write', 'delete object_index'],
    ['TRUNCATE ks.anything', 'write', 'other'],
    ['', 'write', 'other'],
  ] as const)('%s (%s) is %s', (query, kind, name) => {
    expect(callName(query, kind)).toBe(name);
  });

  it('keeps names apart that differ by the kind only', () => {
    const names = new CallNames();
    const query = 'INSERT INTO ks.bucket_record (a) VALUES (?) IF NOT EXISTS';
    expect([names.of(query, 'write'), names.of(query, 'cas'), names.of(query, 'cas')]).toEqual([
      'insert bucket_record',
      'cas bucket_record',
      'cas bucket_record',
    ]);
  });
});
