/** docs/operations.md and the table in README.md are generated from the operations table: `npx vitest run --project unit -u` refreshes both. */
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { OPERATIONS } from '../../../src/s3/operations.js';

const BEGIN = '<!-- operations: generated -->';
const END = '<!-- /operations -->';

it('the documented operations are those of the table', async () => {
  const rows = [...OPERATIONS]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, method, on, query, header, handler }) => {
      const resource = { service: '/', bucket: '/bucket', object: '/bucket/key' }[on];
      const parameters = Object.entries(query ?? {}).map(([key, value]) => (value === true ? key : `${key}=${value}`));
      const request = `${method} ${resource}${parameters.length > 0 ? `?${parameters.join('&')}` : ''}${header === undefined ? '' : ` (${header})`}`;
      return `| ${name} | \`${request}\` | ${handler === null ? 'no' : 'yes'} |`;
    });
  const served = OPERATIONS.filter(({ handler }) => handler !== null).length;
  const text = [
    '# S3 operations',
    '',
    'Generated from `src/s3/operations.ts`. An operation that is not served answers `NotImplemented` (501) by name.',
    '',
    `${served} of ${OPERATIONS.length} are served.`,
    '',
    '| operation | request | served |',
    '|---|---|---|',
    ...rows,
    '',
  ].join('\n');
  await expect(text).toMatchFileSnapshot('../../../docs/operations.md');
});

it("README's table is that of the operations table", async () => {
  const readme = await readFile(new URL('../../../README.md', import.meta.url), 'utf8');
  const [before, rest] = readme.split(BEGIN) as [string, string];
  const [, after] = rest.split(END) as [string, string];
  const rows = (['service', 'bucket', 'object'] as const).map((on) => {
    const names = (served: boolean): string =>
      OPERATIONS.filter((row) => row.on === on && (row.handler !== null) === served)
        .map(({ name }) => name)
        .sort()
        .join(', ');
    return `| ${on} | ${names(true)} | ${names(false) || '–'} |`;
  });
  const table = ['| on | served | known, answers `NotImplemented` |', '|---|---|---|', ...rows].join('\n');
  await expect(`${before}${BEGIN}\n\n${table}\n\n${END}${after}`).toMatchFileSnapshot('../../../README.md');
});
