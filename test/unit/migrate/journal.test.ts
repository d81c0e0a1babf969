import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ForeignStateError } from '../../../src/maintenance/state-file.js';
import { Journal } from '../../../src/migrate/journal.js';

let dir: string;
let stateFile: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'pithos-journal-'));
  stateFile = join(dir, 'state');
});

afterEach(() => rm(dir, { recursive: true, force: true }));

const open = (request = 'all') => Journal.open({ stateFile, request, now: () => 1_000 });

async function whatOf(journal: Journal): Promise<string[]> {
  const found: string[] = [];
  for await (const { problem, kind, what } of journal.findings()) found.push(`${String(problem)} ${kind} ${what}`);
  return found;
}

describe('Journal', () => {
  it('goes on at the last checkpoint, without what came after it', async () => {
    const first = await open();
    first.count({ migrated: 2 });
    await Promise.all([
      first.report({ kind: 'corrupt', bucket: 'b', key: 'k', what: 'one' }),
      first.report({ kind: 'upload', bucket: 'b', what: 'two' }),
    ]);
    await first.checkpoint({ bucket: 'b', after: 'k' });
    first.count({ migrated: 5 });
    await first.report({ kind: 'row', bucket: 'b', what: 'three' });
    await first.close({ keep: true });

    const second = await open();
    expect(second.resumed).toBe(true);
    expect(second.cursor).toEqual({ bucket: 'b', after: 'k' });
    expect(second.figures).toMatchObject({ migrated: 2, problems: 1, notes: 1 });
    await second.report({ kind: 'acl', bucket: 'b', what: 'four' });
    expect(await whatOf(second)).toEqual(['true corrupt one', 'false upload two', 'false acl four']);
    await second.close({ keep: false });
    expect(await readdir(dir)).toEqual([]);
  });

  it('does not take the state of another request, or of something else', async () => {
    const first = await open();
    await first.checkpoint({ bucket: 'b', after: '' });
    await first.close({ keep: true });
    await expect(open('one bucket')).rejects.toThrow(ForeignStateError);
    await rm(`${stateFile}.findings`);
    await expect(open()).rejects.toThrow(/is gone/);
    await writeFile(stateFile, 'text');
    await expect(open()).rejects.toThrow(ForeignStateError);
    await writeFile(stateFile, '{"format":2}');
    await expect(open()).rejects.toThrow(ForeignStateError);
  });

  it('leaves nothing without a state file', async () => {
    const journal = await Journal.open({ stateFile: null, request: 'all', now: () => 0 });
    await journal.report({ kind: 'acl', bucket: 'b', what: 'one' });
    await journal.checkpoint({ bucket: 'b', after: '' });
    expect(await whatOf(journal)).toEqual(['false acl one']);
    await journal.close({ keep: true });
    expect(await readdir(dir)).toEqual([]);
  });
});
