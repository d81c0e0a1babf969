// What a wrong configuration is told: every fault at once, with its line and key, hints for slips, and never a secret.
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../src/config/index.js';
import { cassandraText, faultsOf, KEYSTORE, load, reasonsOf } from './helpers.js';

describe('faults', () => {
  it('are all listed, with file, line, dotted key and reason', () => {
    const text = [
      'service:',
      '  port: 99999',
      '  hots: x',
      'logging:',
      '  level: loud',
      'keystore:',
      '  keys:',
      '    AK1: {tenant: t}',
      'gc:',
      '  grace: 10ms',
    ].join('\n');
    expect(faultsOf(text)).toEqual([
      { file: 'pithos.yaml', line: 2, key: 'service.port', reason: 'must be a whole number from 0 to 65535' },
      { file: 'pithos.yaml', line: 3, key: 'service.hots', reason: "is not a known setting (did you mean 'host'?)" },
      {
        file: 'pithos.yaml',
        line: 5,
        key: 'logging.level',
        reason: 'must be one of trace, debug, info, warn, error, fatal, warning, all, off, silent',
      },
      { file: 'pithos.yaml', line: 8, key: 'keystore.keys.AK1.secret', reason: 'is needed and not given' },
      { file: 'pithos.yaml', line: 10, key: 'gc.grace', reason: 'must be a duration from 1s to 30d' },
    ]);
  });

  it('are one message with a line for each', () => {
    expect(() => load('service: {port: x}\nkeystore: {keys: {A: {tenant: t}}}')).toThrow(
      [
        'the configuration has 2 faults:',
        '  pithos.yaml:1: service.port: must be a whole number from 0 to 65535',
        '  pithos.yaml:2: keystore.keys.A.secret: is needed and not given',
      ].join('\n'),
    );
  });

  it.each([
    [
      'service_uri',
      'options: {service_uri: a.b}',
      "options.service_uri: is not a known setting (did you mean 'service-uri'?)",
    ],
    [
      'defaultRegion',
      'options: {defaultRegion: a}',
      "options.defaultRegion: is not a known setting (did you mean 'default-region'?)",
    ],
    ['swapped letters', 'lgoging: {}', "lgoging: is not a known setting (did you mean 'logging'?)"],
    ['nothing near', 'zzzzzzzz: {}', 'zzzzzzzz: is not a known setting'],
  ])('hint at the name that was meant: %s', (_name, extra, expected) => {
    expect(reasonsOf(`${KEYSTORE}\n${extra}`)).toEqual([expected]);
  });

  it('never show a secret', () => {
    const secret = 'TOPSECRETTOPSECRET';
    const text = `
keystore: {keys: {A: {tenant: t, secret: [${secret}]}}}
encryption: {master-key: ${secret}, previous-keys: [{key: ${secret}}]}
bucketstore: {cluster: c, keyspace: k, username: u, password: {a: ${secret}}}
`;
    const faults = faultsOf(text);
    expect(faults.map(({ key }) => key)).toEqual([
      'keystore.keys.A.secret',
      'encryption.master-key',
      'encryption.previous-keys[0].key',
      'bucketstore.password',
      'bucketstore',
    ]);
    expect(new ConfigError(faults).message).not.toContain(secret);
  });

  it('of YAML itself carry their lines', () => {
    const faults = faultsOf('service:\n  port: 1\n  port: 2\nlist: [a, b\n');
    expect(faults.map(({ line }) => line)).toContain(3);
    expect(faults.every(({ reason }) => reason.startsWith('not YAML: '))).toBe(true);
  });

  it.each([
    ['a text', 'hello', 'must be a map of sections such as service and keystore'],
    ['a list', '- a', 'must be a map of sections such as service and keystore'],
  ])('refuse a file that is %s', (_name, text, reason) => {
    expect(faultsOf(text)).toEqual([{ file: 'pithos.yaml', line: 1, key: '', reason }]);
  });

  it('refuse sections and values of the wrong shape', () => {
    expect(
      reasonsOf(`
service: 8080
logging: {console: maybe, files: {a: b}}
options: {service-uri: [], default-cors: [{origins: '*', methods: [OPTIONS]}, x]}
keystore: {keys: {'bad key': {tenant: t, secret: s}, EMPTY:}}
`),
    ).toEqual([
      'service: must be a map of settings',
      'logging.console: must be true or false',
      'logging.files.a: is not a known setting',
      'logging.files.path: is needed and not given',
      'options.service-uri: must not be an empty list',
      'options.default-cors[0].methods[0]: must be one of get, put, post, delete, head',
      'options.default-cors[1]: must be a map of settings',
      "keystore.keys.bad key: must be 1 to 128 characters without white space, '/', ':' or ','",
      'keystore.keys.EMPTY: is empty',
    ]);
  });

  it('refuse an alias that contains itself, and one that multiplies', () => {
    const tooDeep = expect.stringContaining('aliases or nesting go too deep') as string;
    expect(reasonsOf(`${KEYSTORE}\noptions: {default-cors: &a [*a]}`)).toContainEqual(tooDeep);
    const layers = Array.from({ length: 9 }, (_unused, index) => {
      const inner = index === 0 ? 'x' : `*l${index - 1}`;
      return `  - &l${index} [${Array.from({ length: 9 }, () => inner).join(', ')}]`;
    });
    expect(reasonsOf(`${KEYSTORE}\noptions:\n  default-cors:\n${layers.join('\n')}`)).toContainEqual(tooDeep);
  });

  it('refuse two spellings of one setting', () => {
    const text = cassandraText({ storageClass: '        max-block-chunks: 4\n        max-block-chunk: 4' });
    expect(reasonsOf(text)).toEqual([
      'regions.alps.storage-classes.standard.max-block-chunk: means the same as max-block-chunks, which is also given: keep one',
    ]);
  });
});
