// ${NAME} in a configuration: only from variables that were passed in, in keys and values, with fallbacks and an escape.
import { describe, expect, it } from 'vitest';
import { substitute } from '../../../src/config/substitute.js';
import { cassandraText, KEYSTORE, faultsOf, load, reasonsOf, standardOf } from './helpers.js';

describe('substitute', () => {
  it.each([
    ['plain', 'plain'],
    ['${A}', 'one'],
    ['<${A}${B}>', '<onetwo>'],
    ['${NONE:-x y}', 'x y'],
    ['${EMPTY:-x}', 'x'],
    ['${EMPTY}', ''],
    ['${A:-x}', 'one'],
    ['${NONE:-}', ''],
    ['$A $$ {A}', '$A $$ {A}'],
    ['$${A}', '${A}'],
    ['$$${A}', '$${A}'],
  ])('makes %s into %s', (text, expected) => {
    expect(substitute(text, { A: 'one', B: 'two', EMPTY: '' })).toEqual({ text: expected, faults: [] });
  });

  it('does not look into what it put in', () => {
    expect(substitute('${A}', { A: '${B}', B: 'no' }).text).toBe('${B}');
  });

  it.each(['${}', '${1A}', '${A', '${A B}', '${A:x}'])('refuses %s', (text) => {
    expect(substitute(text, { A: 'one' }).faults).toEqual([
      expect.stringContaining('must name an environment variable'),
    ]);
  });

  it('names what is unset, also when it is the name of something inherited', () => {
    expect(substitute('${NONE} ${constructor}', {}).faults).toEqual([
      'environment variable NONE is not set',
      'environment variable constructor is not set',
    ]);
  });
});

describe('variables in a configuration', () => {
  it('stand in keys and values of every kind', () => {
    const text = `
service: {port: '\${PORT}'}
logging: {console: "\${CONSOLE}"}
keystore: {keys: {'\${KEY}': {tenant: t, secret: '\${SECRET}'}}}
`;
    const config = load(text, { PORT: '9000', CONSOLE: 'false', KEY: 'AKFROMENV', SECRET: 'a: "b" # c' });
    expect(config.service.port).toBe(9000);
    expect(config.logging.console).toBe(false);
    expect(config.keystore.keys['AKFROMENV']?.secret).toBe('a: "b" # c');
  });

  it('are ordinary text when no environment was passed', () => {
    expect(load("keystore: {keys: {A: {tenant: t, secret: '${SECRET}'}}}").keystore.keys['A']?.secret).toBe(
      '${SECRET}',
    );
  });

  it('that come out empty leave the setting out', () => {
    const text = `${KEYSTORE}\nencryption: {master-key: '\${MASTER:-}'}`;
    expect(load(text, {}).encryption.masterKey).toBeNull();
    expect(reasonsOf("keystore: {keys: {A: {tenant: t, secret: '${SECRET}'}}}", { SECRET: '' })).toEqual([
      'keystore.keys.A.secret: is needed and not given',
    ]);
  });

  it('that are missing are faults at their place', () => {
    expect(faultsOf(`${KEYSTORE}\nservice:\n  host: \${HOST}\n  port: \${PORT}`, {})).toEqual([
      { file: 'pithos.yaml', line: 7, key: 'service.host', reason: 'environment variable HOST is not set' },
      { file: 'pithos.yaml', line: 8, key: 'service.port', reason: 'environment variable PORT is not set' },
    ]);
  });

  it('give a list of hosts', () => {
    const text = cassandraText().replaceAll('cluster: ring\n', "cluster: '${HOSTS}'\n");
    expect(standardOf(load(text, { HOSTS: 'a,b' })).contactPoints).toEqual(['a:9042', 'b:9042']);
  });
});
