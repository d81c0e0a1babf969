import { describe, expect, it } from 'vitest';
import { pageKey, redirectedAway, routed } from '../../../src/s3/website.js';
import type { RoutingRule, Visit } from '../../../src/s3/website.js';
import { parseWebsiteConfiguration, websiteConfiguration } from '../../../src/s3/xml/documents.js';

const visit = (key: string): Visit => ({ protocol: 'http', host: 'site.example.com:8080', key });

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
  ];

  it.each([
    ['docs/a b', { status: 301, location: 'http://site.example.com:8080/documents/a%20b' }],
    ['one/two', { status: 302, location: 'http://site.example.com:8080/the%20one' }],
    ['away/x', { status: 301, location: 'https://other.example.com/away/x' }],
    ['else', null],
  ])('before the page %j is looked for', (key, expected) => {
    expect(routed(rules, visit(key), null)).toEqual(expected);
  });

  it('after it is missing', () => {
    expect(routed(rules, visit('x/y'), 404)?.location).toBe('http://fallback.example.com/report-404/x/y');
    expect(routed(rules, visit('x/y'), 403)).toBeNull();
  });
});

it('sends all visits to another host with their path and query', () => {
  const at = { visit: visit('a b'), rawPath: '/a%20b', rawQuery: 'q=1' };
  const [plain, secure] = [
    { hostName: 'new.example.com' },
    { hostName: 'new.example.com', protocol: 'https' as const },
  ];
  expect(redirectedAway(plain, at)).toEqual({ status: 301, location: 'http://new.example.com/a%20b?q=1' });
  expect(redirectedAway(secure, at).location).toBe('https://new.example.com/a%20b?q=1');
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
    whole(`${index}<ErrorDocument><Key>error.html</Key></ErrorDocument>`),
    rule(
      '<Condition><HttpErrorCodeReturnedEquals>404</HttpErrorCodeReturnedEquals><KeyPrefixEquals>a</KeyPrefixEquals></Condition>',
      '<Protocol>https</Protocol><HostName>h</HostName><ReplaceKeyPrefixWith>b</ReplaceKeyPrefixWith><HttpRedirectCode>307</HttpRedirectCode>',
    ),
    rule('', '<ReplaceKeyWith>k</ReplaceKeyWith>'),
  ])('comes back as it was given: %s', (xml) => {
    expect(
      websiteConfiguration(parseWebsiteConfiguration(xml)).replace(/^.*\n<\w+ xmlns="[^"]+"/, '<WebsiteConfiguration'),
    ).toBe(xml);
  });

  it.each([
    ['nothing', whole(''), 'InvalidArgument'],
    ['an unknown element', whole(`${index}<More/>`), 'MalformedXML'],
    ['a suffix with a slash', whole('<IndexDocument><Suffix>a/b</Suffix></IndexDocument>'), 'InvalidArgument'],
    ['an empty suffix', whole('<IndexDocument><Suffix/></IndexDocument>'), 'InvalidArgument'],
    ['an empty error key', whole(`${index}<ErrorDocument><Key/></ErrorDocument>`), 'InvalidArgument'],
    [
      'both kinds',
      whole(`${index}<RedirectAllRequestsTo><HostName>h</HostName></RedirectAllRequestsTo>`),
      'InvalidArgument',
    ],
    ['another protocol', rule('', '<Protocol>ftp</Protocol>'), 'MalformedXML'],
    ['an empty condition', rule('<Condition/>', '<HostName>h</HostName>'), 'InvalidArgument'],
    ['an empty redirect', rule('', ''), 'MalformedXML'],
    [
      'two replacements',
      rule('', '<ReplaceKeyWith>a</ReplaceKeyWith><ReplaceKeyPrefixWith>b</ReplaceKeyPrefixWith>'),
      'InvalidArgument',
    ],
    [
      'a code that is none',
      rule('', '<HostName>h</HostName><HttpRedirectCode>300</HttpRedirectCode>'),
      'InvalidArgument',
    ],
    [
      'an error code that is none',
      rule(
        '<Condition><HttpErrorCodeReturnedEquals>200</HttpErrorCodeReturnedEquals></Condition>',
        '<HostName>h</HostName>',
      ),
      'InvalidArgument',
    ],
    ['a host that would break the header', rule('', '<HostName>h&#13;&#10;x: y</HostName>'), 'InvalidArgument'],
    [
      'more than 50 rules',
      whole(
        `${index}<RoutingRules>${'<RoutingRule><Redirect><HostName>h</HostName></Redirect></RoutingRule>'.repeat(51)}</RoutingRules>`,
      ),
      'InvalidRequest',
    ],
  ])('refuses %s', (_what, xml, code) => {
    expect(() => parseWebsiteConfiguration(xml)).toThrow(expect.objectContaining({ code }));
  });
});
