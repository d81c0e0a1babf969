/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CORSConfiguration.html */
import { checkCorsRules } from '../cors.js';
import type { CorsRule } from '../cors.js';
import { element, optional, parent, xmlDocument } from './build.js';
import { parseXml } from './parse.js';
import type { XmlNode } from './parse.js';

/** The rules, checked. @throws S3Error MalformedXML; InvalidRequest where checkCorsRules says so */
export function parseCorsConfiguration(
  body: Buffer | string,
  limits: { readonly maxBytes?: number } = {},
): readonly CorsRule[] {
  const root = parseXml(body, { root: 'CORSConfiguration', ...limits });
  root.allowOnly('CORSRule');
  if (root.elements.length === 0) throw root.fault('CORSConfiguration needs a CORSRule');
  const rules = root.elements.map(readRule);
  checkCorsRules(rules);
  return rules;
}

function readRule(rule: XmlNode): CorsRule {
  rule.allowOnly('ID', 'AllowedOrigin', 'AllowedMethod', 'AllowedHeader', 'ExposeHeader', 'MaxAgeSeconds');
  const texts = (name: string): readonly string[] => rule.children(name).map((child) => child.ownText().trim());
  const id = rule.text('ID');
  const maxAgeSeconds = rule.integer('MaxAgeSeconds');
  const allowedOrigins = texts('AllowedOrigin');
  const allowedMethods = texts('AllowedMethod');
  if (allowedOrigins.length === 0) throw rule.fault('CORSRule needs an AllowedOrigin');
  if (allowedMethods.length === 0) throw rule.fault('CORSRule needs an AllowedMethod');
  return {
    ...(id === undefined ? {} : { id }),
    allowedOrigins,
    allowedMethods,
    allowedHeaders: texts('AllowedHeader'),
    exposeHeaders: texts('ExposeHeader'),
    ...(maxAgeSeconds === undefined ? {} : { maxAgeSeconds }),
  };
}

export function corsConfiguration(rules: readonly CorsRule[]): string {
  const all = (name: string, values: readonly string[]): string => values.map((value) => element(name, value)).join('');
  const content = rules.map((rule) =>
    parent(
      'CORSRule',
      optional('ID', rule.id) +
        all('AllowedMethod', rule.allowedMethods) +
        all('AllowedOrigin', rule.allowedOrigins) +
        all('AllowedHeader', rule.allowedHeaders) +
        all('ExposeHeader', rule.exposeHeaders) +
        optional('MaxAgeSeconds', rule.maxAgeSeconds),
    ),
  );
  return xmlDocument('CORSConfiguration', content.join(''));
}
