// Field table of tracing: where traces go, and how many requests are traced.
import { refined, text, textLike } from './parsers.js';
import { defaulted, record, refuse, required, section } from './schema.js';
import type { Parser } from './schema.js';
import type { TracingConfig } from './types.js';

const endpoint: Parser<string> = refined(text, (value, place) => {
  const url = URL.canParse(value) ? new URL(value) : null;
  return url?.protocol === 'http:' || url?.protocol === 'https:'
    ? url.href
    : refuse(place, "must be the URL of an OTLP/HTTP receiver, such as 'http://collector:4318/v1/traces'");
});

const ratio: Parser<number> = (place) => {
  const digits = place.node.kind === 'text' && /^\d+(\.\d+)?$/.test(place.node.text.trim()) ? place.node.text : '';
  const value = digits === '' ? Number.NaN : Number(digits);
  return value >= 0 && value <= 1 ? value : refuse(place, 'must be a number from 0 to 1');
};

const headerName = textLike(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'the name of an HTTP header');

export const tracing: Parser<TracingConfig> = section({
  fields: {
    endpoint: required('endpoint', endpoint),
    sampleRatio: defaulted('sample-ratio', ratio, 1),
    serviceName: defaulted('service-name', text, 'pithos'),
    headers: defaulted(
      'headers',
      record({ what: 'a map of header names to values', name: headerName, value: text }),
      {},
    ),
  },
});
