// Where health, metrics and traces are served and sent.
import { describe, expect, it } from 'vitest';
import { describeConfig } from '../../../src/config/index.js';
import { KEYSTORE, load, reasonsOf } from './helpers.js';

describe('service.health-port', () => {
  it('is off unless it is given', () => {
    expect(load(KEYSTORE).service).not.toHaveProperty('healthPort');
    const { service } = load(`${KEYSTORE}\nservice: {health-port: 8081, health-host: 0.0.0.0}`);
    expect(service).toMatchObject({ healthPort: 8081, healthHost: '0.0.0.0' });
    expect(reasonsOf(`${KEYSTORE}\nservice: {health-port: 65536}`)).toEqual([
      'service.health-port: must be a whole number from 0 to 65535',
    ]);
  });
});

describe('tracing', () => {
  const ENDPOINT = "endpoint: 'http://collector:4318/v1/traces'";

  it('is off unless it is given', () => {
    expect(load(KEYSTORE)).not.toHaveProperty('tracing');
    expect(load(`${KEYSTORE}\ntracing: {${ENDPOINT}}`).tracing).toEqual({
      endpoint: 'http://collector:4318/v1/traces',
      sampleRatio: 1,
      serviceName: 'pithos',
      headers: {},
    });
  });

  it('takes a ratio and headers, whose values are not shown', () => {
    const config = load(
      `${KEYSTORE}\ntracing: {${ENDPOINT}, sample-ratio: 0.25, service-name: s3, headers: {authorization: Bearer hidden-thing}}`,
    );
    expect(config.tracing).toMatchObject({
      sampleRatio: 0.25,
      serviceName: 's3',
      headers: { authorization: 'Bearer hidden-thing' },
    });
    expect(describeConfig(config)).toContain('sampleRatio: 0.25');
    expect(describeConfig(config)).not.toContain('hidden-thing');
  });

  it.each([
    ['sample-ratio: 1', 'tracing.endpoint: is needed and not given'],
    [`${ENDPOINT}, sample-ratio: 1.1`, 'tracing.sample-ratio: must be a number from 0 to 1'],
    [`${ENDPOINT}, sample-ratio: -1`, 'tracing.sample-ratio: must be a number from 0 to 1'],
    [`${ENDPOINT}, headers: {'a b': c}`, 'tracing.headers.a b: must be the name of an HTTP header'],
    [
      "endpoint: 'grpc://collector:4317'",
      "tracing.endpoint: must be the URL of an OTLP/HTTP receiver, such as 'http://collector:4318/v1/traces'",
    ],
  ])('refuses {%s}', (text, reason) => {
    expect(reasonsOf(`${KEYSTORE}\ntracing: {${text}}`)).toEqual([reason]);
  });
});
