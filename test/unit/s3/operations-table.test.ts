/** docs/operations.md is generated from the operations table: `npx vitest run --project unit -u` refreshes it. */
import { expect, it } from 'vitest';
import { OPERATIONS } from '../../../src/s3/operations.js';

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
