import { describe, expect, it } from 'vitest';
import type { S3Error } from '../../../src/s3/errors.js';
import { folderRedirection, pageKey, redirectedAway, routed } from '../../../src/s3/website.js';
import type { RoutingRule, Visit } from '../../../src/s3/website.js';
import { parseWebsiteConfiguration, websiteConfiguration } from '../../../src/s3/xml/documents.js';

const visit = (key: string, rawQuery = ''): Visit => ({
  protocol: 'http',
  host: 'site.example.com:8080',
  key,
  rawPath: `/${encodeURI(key)}`,
  rawQuery,
});

describe('pageKey', () => {
  it.each([
    ['', 'index.html'],
    ['docs/', 'docs/index.html'],
    ['docs', 'docs'],
    ['a/b.html', 'a/b.html'],
  ])('%j is %s', (key, page) => {
    expect(pageKey(key, 'index.html')).toBe(page);
  });
});

describe('routing rules', () => {
  const rules: readonly RoutingRule[] = [
    { keyPrefix: 'docs/', redirect: { replaceKeyPrefixWith: 'documents/' } },
    { keyPrefix: 'one', redirect: { replaceKeyWith: 'the one', status: 302 } },
    { keyPrefix: 'away/', redirect: { hostName: 'other.example.com', protocol: 'https' } },
    { errorStatus: 404, redirect: { hostName: 'fallback.example.com', replaceKeyPrefixWith: 'report-404/' } },
    { errorStatus: 404, keyPrefix: 'never', redirect: { replaceKeyWith: 'never' } },
    { errorStatus: 403, keyPrefix: 'app/', redirect: { replaceKeyPrefixWith: '#!/', status: 302 } },
    { keyPrefix: 'img/', redirect: { hostName: 'api.example.com/v1', replaceKeyPrefixWith: 'resize?key=' } },
    { keyPrefix: 'ü', redirect: { replaceKeyPrefixWith: '<ü> 100%25/' } },
    { keyPrefix: 'bare/', redirect: { replaceKeyPrefixWith: '' } },
  ];

  it.each([
    ['docs/a b', { status: 301, location: 'http://site.example.com:8080/documents/a%20b' }],
    ['one/two', { status: 302, location: 'http://site.example.com:8080/the%20one' }],
    ['away/x', { status: 301, location: 'https://other.example.com/away/x' }],
    // What replaces is the owner's, and means what it says: query, fragment, escapes.
    ['img/a b', { status: 301, location: 'http://api.example.com/v1/resize?key=a%20b' }],
    ['ü/?', { status: 301, location: 'http://site.example.com:8080/%3C%C3%BC%3E%20100%25//%3F' }],
    ['bare/x', { status: 301, location: 'http://site.example.com:8080/x' }],
    ['Docs/x', null],
    ['', null],
    ['else', null],
  ])('before the page %j is looked for', (key, expected) => {
    expect(routed(rules, visit(key), null)).toEqual(expected);
  });

  it('keep the query', () => {
    expect(routed(rules, visit('docs/x', 'q=1'), null)?.location).toMatch(/\/documents\/x\?q=1$/);
    expect(routed(rules, visit('img/x', 'q=1'), null)?.location).toMatch(/\/resize\?key=x&q=1$/);
  });

  it('without a condition take all', () => {
    const all: RoutingRule[] = [{ redirect: { hostName: 'all.example.com' } }];
    expect(routed(all, visit(''), null)?.location).toBe('http://all.example.com/');
    expect(routed(all, visit('x'), 404)).toBeNull();
  });

  it('after it is missing', () => {
    expect(routed(rules, visit('x/y'), 404)?.location).toBe('http://fallback.example.com/report-404/x/y');
    expect(routed(rules, visit('x/y'), 403)).toBeNull();
    expect(routed(rules, visit('app/users/1'), 403)).toEqual({
      status: 302,
      location: 'http://site.example.com:8080/#!/users/1',
    });
  });
});

it('sends visitors of a folder to its slash, on this host whatever the folder is called', () => {
  expect(folderRedirection(visit('a b'))).toEqual({ status: 302, location: '/a%20b/' });
  expect(folderRedirection(visit('/evil.example.com')).location).toBe(
    'http://site.example.com:8080//evil.example.com/',
  );
});

it('sends all visits to another host with their path and query', () => {
  const at = visit('a b', 'q=1');
  const [plain, secure] = [
    { hostName: 'new.example.com' },
    { hostName: 'new.example.com', protocol: 'https' as const },
  ];
  expect(redirectedAway(plain, at)).toEqual({ status: 301, location: 'http://new.example.com/a%20b?q=1' });
  expect(redirectedAway(secure, at).location).toBe('https://new.example.com/a%20b?q=1');
  expect(redirectedAway({ hostName: 'new.example.com/base' }, visit('a')).location).toBe(
    'http://new.example.com/base/a',
  );
});

describe('the configuration', () => {
  const whole = (content: string) => `<WebsiteConfiguration>${content}</WebsiteConfiguration>`;
  const index = '<IndexDocument><Suffix>index.html</Suffix></IndexDocument>';
  const rule = (condition: string, redirect: string) =>
    whole(
      `${index}<RoutingRules><RoutingRule>${condition}<Redirect>${redirect}</Redirect></RoutingRule></RoutingRules>`,
    );

  it.each([
    whole(
      '<RedirectAllRequestsTo><HostName>new.example.com</HostName><Protocol>https</Protocol></RedirectAllRequestsTo>',
    ),
    whole('<RedirectAllRequestsTo><HostName>new.example.com:8080/base</HostName></RedirectAllRequestsTo>'),
    whole(`${index}<ErrorDocument><Key>error.html</Key></ErrorDocument>`),
    rule(
      '<Condition><HttpErrorCodeReturnedEquals>404</HttpErrorCodeReturnedEquals><KeyPrefixEquals>a</KeyPrefixEquals></Condition>',
      '<Protocol>https</Protocol><HostName>h</HostName><ReplaceKeyPrefixWith>b</ReplaceKeyPrefixWith><HttpRedirectCode>307</HttpRedirectCode>',
    ),
    rule('', '<ReplaceKeyWith>k</ReplaceKeyWith>'),
    rule(
      '<Condition><KeyPrefixEquals>a</KeyPrefixEquals></Condition>',
      '<ReplaceKeyPrefixWith></ReplaceKeyPrefixWith>',
    ),
  ])('comes back as it was given: %s', (xml) => {
    expect(
      websiteConfiguration(parseWebsiteConfiguration(xml)).replace(/^.*\n<\w+ xmlns="[^"]+"/, '<WebsiteConfiguration'),
    ).toBe(xml);
  });

  const oneOfCode = (code: number) => rule('', `<HostName>h</HostName><HttpRedirectCode>${code}</HttpRedirectCode>`);
  const refusal = (xml: string): unknown => {
    try {
      parseWebsiteConfiguration(xml);
    } catch (error) {
      const { code, detail } = error as S3Error;
      return { code, ...(detail['ArgumentName'] !== undefined && { argument: detail['ArgumentName'] }) };
    }
    return null;
  };

  it.each([
    ['nothing', whole(''), { code: 'InvalidArgument', argument: 'IndexDocument' }],
    ['an unknown element', whole(`${index}<More/>`), { code: 'MalformedXML' }],
    ['two index documents', whole(index + index), { code: 'MalformedXML' }],
    ['an index document without a suffix', whole('<IndexDocument/>'), { code: 'MalformedXML' }],
    [
      'a suffix with a slash',
      whole('<IndexDocument><Suffix>a/b</Suffix></IndexDocument>'),
      { code: 'InvalidArgument', argument: 'IndexDocument' },
    ],
    [
      'an empty suffix',
      whole('<IndexDocument><Suffix/></IndexDocument>'),
      { code: 'InvalidArgument', argument: 'IndexDocument' },
    ],
    [
      'a suffix no key could end in',
      whole(`<IndexDocument><Suffix>${'a'.repeat(1025)}</Suffix></IndexDocument>`),
      { code: 'InvalidArgument', argument: 'IndexDocument' },
    ],
    [
      'an empty error key',
      whole(`${index}<ErrorDocument><Key/></ErrorDocument>`),
      { code: 'InvalidArgument', argument: 'ErrorDocument' },
    ],
    ['an error document without a key', whole(`${index}<ErrorDocument/>`), { code: 'MalformedXML' }],
    [
      'an error key no object could have',
      whole(`${index}<ErrorDocument><Key>${'ü'.repeat(513)}</Key></ErrorDocument>`),
      { code: 'KeyTooLongError' },
    ],
    [
      'both kinds',
      whole(`${index}<RedirectAllRequestsTo><HostName>h</HostName></RedirectAllRequestsTo>`),
      { code: 'InvalidArgument', argument: 'RedirectAllRequestsTo' },
    ],
    ['a redirect of all to no host', whole('<RedirectAllRequestsTo/>'), { code: 'MalformedXML' }],
    [
      'a redirect of all to an empty host',
      whole('<RedirectAllRequestsTo><HostName/></RedirectAllRequestsTo>'),
      { code: 'InvalidRequest' },
    ],
    [
      'a redirect of all by another protocol',
      whole('<RedirectAllRequestsTo><HostName>h</HostName><Protocol>HTTP</Protocol></RedirectAllRequestsTo>'),
      { code: 'InvalidRequest' },
    ],
    ['no rule', whole(`${index}<RoutingRules/>`), { code: 'MalformedXML' }],
    ['another protocol', rule('', '<Protocol>ftp</Protocol>'), { code: 'InvalidRequest' }],
    ['an empty condition', rule('<Condition/>', '<HostName>h</HostName>'), { code: 'InvalidRequest' }],
    [
      'a rule without a redirect',
      whole(`${index}<RoutingRules><RoutingRule/></RoutingRules>`),
      { code: 'MalformedXML' },
    ],
    ['an empty redirect', rule('', ''), { code: 'MalformedXML' }],
    [
      'two replacements',
      rule('', '<ReplaceKeyWith>a</ReplaceKeyWith><ReplaceKeyPrefixWith>b</ReplaceKeyPrefixWith>'),
      { code: 'InvalidRequest' },
    ],
    ...[200, 300, 306, 309, 400].map(
      (code) => [`${code} for a redirect`, oneOfCode(code), { code: 'InvalidRequest' }] as const,
    ),
    [
      'an error code that is none',
      rule(
        '<Condition><HttpErrorCodeReturnedEquals>200</HttpErrorCodeReturnedEquals></Condition>',
        '<HostName>h</HostName>',
      ),
      { code: 'InvalidRequest' },
    ],
    [
      'an error code that is a word',
      rule(
        '<Condition><HttpErrorCodeReturnedEquals>4xx</HttpErrorCodeReturnedEquals></Condition>',
        '<HostName>h</HostName>',
      ),
      { code: 'MalformedXML' },
    ],
    [
      'a host that would break the header',
      rule('', '<HostName>h&#13;&#10;x: y</HostName>'),
      { code: 'InvalidRequest' },
    ],
    [
      'more than 50 rules',
      whole(
        `${index}<RoutingRules>${'<RoutingRule><Redirect><HostName>h</HostName></Redirect></RoutingRule>'.repeat(51)}</RoutingRules>`,
      ),
      { code: 'InvalidRequest' },
    ],
  ] as const)('refuses %s', (_what, xml, expected) => {
    expect(refusal(xml)).toEqual(expected);
  });

  it.each([301, 302, 303, 304, 305, 307, 308])('takes %d for a redirect', (code) => {
    expect(refusal(oneOfCode(code))).toBeNull();
  });
});
