import { describe, expect, it } from 'vitest';
import { checkLifecycle, transitionMinimumOf } from '../../../src/s3/lifecycle-checks.js';
import { transitionDue } from '../../../src/s3/lifecycle-transitions.js';
import type { LifecycleConfiguration, LifecycleRule, Subject, TransitionMinimum } from '../../../src/s3/lifecycle.js';
import {
  abortHeaders,
  dueAfterDays,
  expirationHeader,
  expirationOf,
  markerExpires,
  matches,
  noncurrentExpires,
} from '../../../src/s3/lifecycle.js';
import { lifecycleConfiguration, parseLifecycleConfiguration } from '../../../src/s3/xml/lifecycle.js';

const DAY_MS = 86_400_000;
const MADE_MS = Date.parse('2026-01-10T08:30:00Z');
const at = (date: string): number => Date.parse(`${date}T00:00:00Z`);

function failure(code: string): Error {
  return expect.objectContaining({ code, status: 400 }) as Error;
}

const parse = (rules: string): LifecycleRule[] =>
  parseLifecycleConfiguration(`<LifecycleConfiguration>${rules}</LifecycleConfiguration>`);

/** A rule on everything. */
const rule = (actions: string, head = '<ID>r</ID><Filter/><Status>Enabled</Status>'): string =>
  `<Rule>${head}${actions}</Rule>`;

function rules(...list: string[]): LifecycleConfiguration {
  return { rules: parse(list.join('')), transitionMinimum: 'all_storage_classes_128K' };
}

function subject(overrides: Partial<Subject> = {}): Subject {
  return {
    key: 'logs/2026',
    sizeBytes: 200_000,
    lastModified: MADE_MS,
    deleteMarker: false,
    storageClass: 'STANDARD',
    tags: {},
    ...overrides,
  };
}

describe('dueAfterDays', () => {
  it('rounds up to the next midnight', () => {
    expect(dueAfterDays(MADE_MS, 3, DAY_MS)).toBe(at('2026-01-14'));
    expect(dueAfterDays(at('2026-01-10'), 3, DAY_MS)).toBe(at('2026-01-13'));
    expect(dueAfterDays(MADE_MS + 1, 2, 10_000)).toBe(MADE_MS + 30_000);
  });
});

describe('matches', () => {
  const filterOf = (content: string) => parse(rule('<Expiration><Days>1</Days></Expiration>', content))[0]?.filter;
  const on = (filter: string, overrides: Partial<Subject>): boolean => {
    const found = filterOf(`<Filter>${filter}</Filter><Status>Enabled</Status>`);
    if (found === undefined) throw new Error('no rule');
    return matches(found, subject(overrides));
  };
  const tag = (key: string, value: string) => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`;

  it('by prefix, tag and size, the sizes exclusive', () => {
    expect(on('<Prefix>logs/</Prefix>', {})).toBe(true);
    expect(on('<Prefix>logs/2027</Prefix>', {})).toBe(false);
    expect(on(tag('a', 'b'), { tags: { a: 'b', c: 'd' } })).toBe(true);
    expect(on(tag('a', 'b'), { tags: { a: 'x' } })).toBe(false);
    expect(on(tag('toString', ''), { tags: {} })).toBe(false);
    expect(on('<ObjectSizeGreaterThan>5</ObjectSizeGreaterThan>', { sizeBytes: 5 })).toBe(false);
    expect(on('<ObjectSizeGreaterThan>5</ObjectSizeGreaterThan>', { sizeBytes: 6 })).toBe(true);
    expect(on('<ObjectSizeLessThan>5</ObjectSizeLessThan>', { sizeBytes: 5 })).toBe(false);
    expect(on('<ObjectSizeLessThan>5</ObjectSizeLessThan>', { sizeBytes: 4 })).toBe(true);
  });

  it('needs all of And', () => {
    const and = `<And><Prefix>logs/</Prefix>${tag('a', 'b')}${tag('c', 'd')}</And>`;
    expect(on(and, { tags: { a: 'b', c: 'd' } })).toBe(true);
    expect(on(and, { tags: { a: 'b' } })).toBe(false);
    expect(on(and, { key: 'x', tags: { a: 'b', c: 'd' } })).toBe(false);
  });

  it('leaves tags that are not known open', () => {
    expect(on(tag('a', 'b'), { tags: null })).toBe(true);
  });

  it('takes delete markers by their key alone', () => {
    expect(on('<Prefix>logs/</Prefix>', { deleteMarker: true, sizeBytes: 0 })).toBe(true);
    expect(on(tag('a', 'b'), { deleteMarker: true, tags: null })).toBe(false);
    expect(on('<ObjectSizeLessThan>5</ObjectSizeLessThan>', { deleteMarker: true, sizeBytes: 0 })).toBe(false);
  });
});

describe('expirationOf', () => {
  it('is that of the rule that comes first, of those that are enabled', () => {
    const configuration = rules(
      rule('<Expiration><Days>5</Days></Expiration>', '<ID>slow</ID><Filter/><Status>Enabled</Status>'),
      rule('<Expiration><Days>2</Days></Expiration>', '<ID>fast</ID><Filter/><Status>Enabled</Status>'),
      rule('<Expiration><Days>1</Days></Expiration>', '<ID>off</ID><Filter/><Status>Disabled</Status>'),
      rule('<Expiration><Date>2026-06-01</Date></Expiration>', '<ID>date</ID><Filter/><Status>Enabled</Status>'),
    );
    expect(expirationOf(configuration, subject(), DAY_MS)).toEqual({ atMs: at('2026-01-13'), ruleId: 'fast' });
    expect(expirationOf(configuration, subject({ lastModified: at('2026-06-05') }), DAY_MS)?.ruleId).toBe('date');
  });

  it('is told in x-amz-expiration', () => {
    const { rules: list } = rules(
      rule('<Expiration><Days>1</Days></Expiration>', '<ID>a "b"/c</ID><Prefix>logs/</Prefix><Status>Enabled</Status>'),
    );
    const bucket = { documents: { lifecycle: JSON.stringify({ rules: list }) } };
    const header = (key: string) => expirationHeader(bucket, { key, version: subject(), dayMs: DAY_MS });
    expect(header('logs/x')).toEqual({
      'x-amz-expiration': 'expiry-date="Mon, 12 Jan 2026 00:00:00 GMT", rule-id="a%20%22b%22%2Fc"',
    });
    expect(header('x')).toEqual({});
    expect(expirationHeader({ documents: {} }, { key: 'logs/x', version: subject(), dayMs: DAY_MS })).toEqual({});
  });

  it('is told of uploads in x-amz-abort-date', () => {
    const abort =
      '<AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload>';
    const bucket = { documents: { lifecycle: JSON.stringify(rules(rule(abort))) } };
    expect(abortHeaders(bucket, { key: 'k', createdAt: MADE_MS }, DAY_MS)).toEqual({
      'x-amz-abort-date': 'Sun, 18 Jan 2026 00:00:00 GMT',
      'x-amz-abort-rule-id': 'r',
    });
  });
});

describe('versions', () => {
  const clock = (date: string) => ({ nowMs: at(date), dayMs: DAY_MS });

  it('expire by age as noncurrent ones, and by how many are newer', () => {
    const byAge = rules(
      rule('<NoncurrentVersionExpiration><NoncurrentDays>2</NoncurrentDays></NoncurrentVersionExpiration>'),
    );
    const standing = { sinceMs: MADE_MS, newer: 0 };
    expect(noncurrentExpires(byAge, subject({ lastModified: 0 }), standing, clock('2026-01-12'))).toBe(false);
    expect(noncurrentExpires(byAge, subject({ lastModified: 0 }), standing, clock('2026-01-13'))).toBe(true);
    const kept = rules(
      rule(
        '<NoncurrentVersionExpiration><NoncurrentDays>2</NoncurrentDays><NewerNoncurrentVersions>2</NewerNoncurrentVersions></NoncurrentVersionExpiration>',
      ),
    );
    for (const [newer, expires] of [
      [1, false],
      [2, true],
    ] as const)
      expect(noncurrentExpires(kept, subject(), { sinceMs: MADE_MS, newer }, clock('2026-01-13'))).toBe(expires);
  });

  it('of which only a delete marker is left go at once by their rule, or by age', () => {
    const marker = subject({ deleteMarker: true, sizeBytes: 0, lastModified: MADE_MS });
    const own = (remove: boolean) =>
      rules(rule(`<Expiration><ExpiredObjectDeleteMarker>${remove}</ExpiredObjectDeleteMarker></Expiration>`));
    expect(markerExpires(own(true), marker, clock('2026-01-01'))).toBe(true);
    expect(markerExpires(own(false), marker, clock('2027-01-01'))).toBe(false);
    const byAge = rules(rule('<Expiration><Days>2</Days></Expiration>'));
    expect(markerExpires(byAge, marker, clock('2026-01-12'))).toBe(false);
    expect(markerExpires(byAge, marker, clock('2026-01-13'))).toBe(true);
  });
});

describe('transitionDue', () => {
  const to = (days: number, storageClass: string) =>
    `<Transition><Days>${days}</Days><StorageClass>${storageClass}</StorageClass></Transition>`;
  const due = (list: string, date: string, overrides: Partial<Subject> = {}, minimum?: TransitionMinimum) => {
    const configuration = { ...rules(list), ...(minimum === undefined ? {} : { transitionMinimum: minimum }) };
    return transitionDue(configuration, subject(overrides), null, { nowMs: at(date), dayMs: DAY_MS });
  };
  const waterfall = rule(to(30, 'STANDARD_IA') + to(60, 'GLACIER'));

  it('goes down the classes as time passes, never up', () => {
    expect(due(waterfall, '2026-01-20')).toBeNull();
    expect(due(waterfall, '2026-02-20')).toBe('STANDARD_IA');
    expect(due(waterfall, '2026-04-20')).toBe('GLACIER');
    expect(due(waterfall, '2026-02-20', { storageClass: 'STANDARD_IA' })).toBeNull();
    expect(due(waterfall, '2026-04-20', { storageClass: 'DEEP_ARCHIVE' })).toBeNull();
    expect(due(waterfall, '2026-04-20', { deleteMarker: true })).toBeNull();
  });

  it('leaves small objects, unless the filter names a size', () => {
    const small = { sizeBytes: 131_071 };
    expect(due(waterfall, '2026-04-20', small)).toBeNull();
    expect(due(waterfall, '2026-04-20', small, 'varies_by_storage_class')).toBe('GLACIER');
    expect(due(waterfall, '2026-02-20', small, 'varies_by_storage_class')).toBeNull();
    const sized =
      '<ID>r</ID><Filter><ObjectSizeGreaterThan>10</ObjectSizeGreaterThan></Filter><Status>Enabled</Status>';
    expect(due(rule(to(30, 'STANDARD_IA'), sized), '2026-02-20', small)).toBe('STANDARD_IA');
  });

  it('counts noncurrent versions from when they became such', () => {
    const configuration = rules(
      rule(
        '<NoncurrentVersionTransition><NoncurrentDays>1</NoncurrentDays><NewerNoncurrentVersions>1</NewerNoncurrentVersions><StorageClass>GLACIER</StorageClass></NoncurrentVersionTransition>',
      ),
    );
    const clock = { nowMs: at('2026-02-20'), dayMs: DAY_MS };
    expect(transitionDue(configuration, subject(), { sinceMs: MADE_MS, newer: 1 }, clock)).toBe('GLACIER');
    expect(transitionDue(configuration, subject(), { sinceMs: MADE_MS, newer: 0 }, clock)).toBeNull();
    expect(transitionDue(configuration, subject(), { sinceMs: at('2026-02-20'), newer: 1 }, clock)).toBeNull();
    expect(transitionDue(configuration, subject(), null, clock)).toBeNull();
  });
});

describe('the document', () => {
  it('is answered as it was written', () => {
    const list = [
      '<Rule><ID>a</ID><Prefix>p</Prefix><Status>Enabled</Status><Expiration><Days>1</Days></Expiration></Rule>',
      '<Rule><ID>b</ID><Filter></Filter><Status>Disabled</Status><Expiration><Date>2026-06-01T00:00:00.000Z</Date></Expiration></Rule>',
      '<Rule><ID>c</ID><Filter><Tag><Key>k</Key><Value></Value></Tag></Filter><Status>Enabled</Status><Transition><Days>0</Days><StorageClass>GLACIER</StorageClass></Transition></Rule>',
      '<Rule><ID>d</ID><Filter><And><Prefix></Prefix><Tag><Key>k</Key><Value>v</Value></Tag><ObjectSizeGreaterThan>0</ObjectSizeGreaterThan><ObjectSizeLessThan>9</ObjectSizeLessThan></And></Filter><Status>Enabled</Status><NoncurrentVersionTransition><NoncurrentDays>3</NoncurrentDays><StorageClass>GLACIER</StorageClass></NoncurrentVersionTransition><NoncurrentVersionExpiration><NoncurrentDays>4</NoncurrentDays><NewerNoncurrentVersions>2</NewerNoncurrentVersions></NoncurrentVersionExpiration></Rule>',
      '<Rule><ID>e</ID><Filter><Prefix>x</Prefix></Filter><Status>Enabled</Status><Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration><AbortIncompleteMultipartUpload><DaysAfterInitiation>5</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule>',
    ].join('');
    const parsed = parse(list);
    expect(lifecycleConfiguration(parsed)).toContain(`>${list}<`);
    expect(parsed.every(({ id }) => id.length === 1)).toBe(true);
    checkLifecycle(parsed, (storageClass) => storageClass === 'GLACIER');
  });

  it('gives rules without an ID one each', () => {
    const [a, b] = parse(
      rule('<Expiration><Days>1</Days></Expiration>', '<Filter/><Status>Enabled</Status>').repeat(2),
    );
    expect(a?.id).toMatch(/^[\w-]{32}$/);
    expect(b?.id).not.toBe(a?.id);
  });

  it.each([
    ['no Status', '<ID>r</ID><Filter/>'],
    ['a Status in lower case', '<Filter/><Status>enabled</Status>'],
    ['neither Filter nor Prefix', '<Status>Enabled</Status>'],
    ['both Filter and Prefix', '<Filter/><Prefix>p</Prefix><Status>Enabled</Status>'],
    [
      'two predicates without And',
      '<Filter><Prefix>p</Prefix><ObjectSizeLessThan>5</ObjectSizeLessThan></Filter><Status>Enabled</Status>',
    ],
    ['an empty And', '<Filter><And/></Filter><Status>Enabled</Status>'],
    ['an unknown element', '<Filter/><Status>Enabled</Status><Color/>'],
  ])('refuses a rule with %s', (_name, head) => {
    expect(() => parse(rule('<Expiration><Days>1</Days></Expiration>', head))).toThrow(failure('MalformedXML'));
  });

  it.each([
    ['<Expiration/>', 'MalformedXML'],
    ['<Expiration><Days>1</Days><Date>2026-01-01</Date></Expiration>', 'MalformedXML'],
    [
      '<Expiration><Days>1</Days><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>',
      'MalformedXML',
    ],
    ['<Expiration><Days>0</Days></Expiration>', 'InvalidArgument'],
    ['<Expiration><Days>-1</Days></Expiration>', 'InvalidArgument'],
    ['<Expiration><Days>1.5</Days></Expiration>', 'MalformedXML'],
    ['<Expiration><Date>2026-01-01T10:00:00Z</Date></Expiration>', 'InvalidArgument'],
    ['<Expiration><Date>20260101</Date></Expiration>', 'MalformedXML'],
    [
      '<NoncurrentVersionExpiration><NoncurrentDays>0</NoncurrentDays></NoncurrentVersionExpiration>',
      'InvalidArgument',
    ],
    ['<NoncurrentVersionExpiration/>', 'MalformedXML'],
    [
      '<NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays><NewerNoncurrentVersions>101</NewerNoncurrentVersions></NoncurrentVersionExpiration>',
      'InvalidArgument',
    ],
    [
      '<AbortIncompleteMultipartUpload><DaysAfterInitiation>0</DaysAfterInitiation></AbortIncompleteMultipartUpload>',
      'InvalidArgument',
    ],
    ['<Transition><Days>1</Days></Transition>', 'MalformedXML'],
    ['<Transition><Days>-1</Days><StorageClass>GLACIER</StorageClass></Transition>', 'InvalidArgument'],
  ])('refuses %s', (action, code) => {
    expect(() => parse(rule(action))).toThrow(failure(code));
  });

  it('refuses no rule at all and more than 1,000', () => {
    expect(() => parse('')).toThrow(failure('MalformedXML'));
    expect(() => parse(rule('<Expiration><Days>1</Days></Expiration>').repeat(1001))).toThrow(failure('MalformedXML'));
  });
});

describe('checkLifecycle', () => {
  const check = (...list: string[]) =>
    checkLifecycle(parse(list.join('')), (name) => ['STANDARD', 'GLACIER', 'STANDARD_IA'].includes(name));
  const days = '<Expiration><Days>10</Days></Expiration>';
  const head = (id: string, filter = '<Filter/>') => `<ID>${id}</ID>${filter}<Status>Enabled</Status>`;
  const tagged = '<Filter><Tag><Key>a</Key><Value>b</Value></Tag></Filter>';
  const abort =
    '<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload>';
  const to = (days: number, name: string) =>
    `<Transition><Days>${days}</Days><StorageClass>${name}</StorageClass></Transition>`;

  it.each([
    ['two rules of one ID', [rule(days, head('a')), rule(days, head('a'))], 'InvalidArgument'],
    ['an ID of 256 characters', [rule(days, head('a'.repeat(256)))], 'InvalidArgument'],
    ['a prefix of 1,025 bytes', [rule(days, head('a', `<Prefix>${'p'.repeat(1025)}</Prefix>`))], 'InvalidRequest'],
    ['a rule without an action', [rule('')], 'InvalidRequest'],
    ['an abort by tag', [rule(abort, head('a', tagged))], 'InvalidRequest'],
    [
      'delete markers by size',
      [
        rule(
          '<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>',
          head('a', '<Filter><ObjectSizeLessThan>5</ObjectSizeLessThan></Filter>'),
        ),
      ],
      'InvalidRequest',
    ],
    ['a class without a blobstore', [rule(to(1, 'DEEP_ARCHIVE'))], 'InvalidStorageClass'],
    ['an unknown class', [rule(to(1, 'COLDEST'))], 'MalformedXML'],
    ['a transition to STANDARD', [rule(to(1, 'STANDARD'))], 'MalformedXML'],
    ['a class twice', [rule(to(1, 'GLACIER') + to(2, 'GLACIER'))], 'InvalidRequest'],
    ['infrequent access before 30 days', [rule(to(29, 'STANDARD_IA'))], 'InvalidArgument'],
    ['an expiration that is not later', [rule(to(10, 'GLACIER') + days)], 'InvalidArgument'],
    [
      'days and dates mixed',
      [rule('<Transition><Date>2026-01-01</Date><StorageClass>GLACIER</StorageClass></Transition>' + days)],
      'InvalidRequest',
    ],
  ])('refuses %s', (_name, list, code) => {
    expect(() => check(...list)).toThrow(failure(code));
  });

  it('takes what AWS takes', () => {
    expect(() =>
      check(
        rule(days, head('a'.repeat(255))),
        rule(to(9, 'GLACIER') + days, head('b', tagged)),
        rule(to(30, 'STANDARD_IA') + to(60, 'GLACIER') + abort, head('c')),
      ),
    ).not.toThrow();
  });

  it('knows the two minimum sizes', () => {
    const header = 'x-amz-transition-default-minimum-object-size';
    expect(transitionMinimumOf({})).toBe('all_storage_classes_128K');
    expect(transitionMinimumOf({ [header]: 'varies_by_storage_class' })).toBe('varies_by_storage_class');
    expect(() => transitionMinimumOf({ [header]: '1K' })).toThrow(failure('InvalidArgument'));
  });
});
