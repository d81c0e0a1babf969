// The command line: actions, the original's options, and what is refused.
import { describe, expect, it } from 'vitest';
import { ACTIONS, parseArgs, usage } from '../../../src/config/cli.js';

const run = { kind: 'action', action: 'api-run', configPath: null, quiet: false };

describe('parseArgs', () => {
  it.each([
    ['', run],
    ['api-run', run],
    ['bootstrap', { ...run, action: 'bootstrap' }],
    ['install-schema', { ...run, action: 'bootstrap' }],
    ['-a install-schema', { ...run, action: 'bootstrap' }],
    ['--action=install-schema bootstrap', { ...run, action: 'bootstrap' }],
    ['-a api-run -f p.yaml', { ...run, configPath: 'p.yaml' }],
    ['--path p.yaml -q', { ...run, configPath: 'p.yaml', quiet: true }],
    ['check-config --config p.yaml', { ...run, action: 'check-config', configPath: 'p.yaml' }],
    ['-fp.yaml bootstrap --quiet', { ...run, action: 'bootstrap', configPath: 'p.yaml', quiet: true }],
    ['-h', { ...run, action: 'help' }],
    ['help', { ...run, action: 'help' }],
    ['bootstrap --help --version', { ...run, action: 'help' }],
    ['-V', { ...run, action: 'version' }],
    ['version', { ...run, action: 'version' }],
  ])('reads "%s"', (line, expected) => {
    expect(parseArgs(line.split(' ').filter(Boolean))).toEqual(expected);
  });

  it.each([
    ['boostrap', "unknown action 'boostrap' (did you mean 'bootstrap'?)"],
    ['-a frobnicate', "unknown action 'frobnicate'"],
    ['bootstrap check-config', 'one action at a time: bootstrap or check-config'],
    ['-f a -f b', 'one configuration file at a time'],
    ['--config=', 'the name of the configuration file is empty'],
    ['--nonsense', "Unknown option '--nonsense'"],
    ['-x', "Unknown option '-x'"],
    ['-f', "Option '-f, --path <value>' argument missing"],
    ['--quiet=yes', "Option '-q, --quiet' does not take an argument"],
  ])('refuses "%s" with exit code 2 and the usage', (line, reason) => {
    const command = parseArgs(line.split(' '));
    if (command.kind !== 'usage-error') throw new Error('was accepted');
    expect(command.exitCode).toBe(2);
    expect(command.message.split('\n')[0]).toBe(`pithos: ${reason}`);
    expect(command.message).toContain(usage());
  });
});

describe('usage', () => {
  it('names every action with its other names', () => {
    for (const { name, aliases } of ACTIONS) expect(usage()).toContain(`  ${[name, ...aliases].join(', ')}  `);
  });
});
