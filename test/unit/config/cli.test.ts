// The command line: actions, the original's options, and what is refused.
import { describe, expect, it } from 'vitest';
import { rowOf } from '../../../src/config/actions.js';
import { ACTIONS, parseArgs, usage, usageOf } from '../../../src/config/cli.js';

const run = { kind: 'action', action: 'api-run', topic: null, configPath: null, quiet: false, options: {} };

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
    ['bootstrap --help --version', { ...run, action: 'help', topic: 'bootstrap' }],
    ['help fsck', { ...run, action: 'help', topic: 'fsck' }],
    ['fsck --help', { ...run, action: 'help', topic: 'fsck' }],
    [
      'migrate --from old.yaml --dry-run',
      { ...run, action: 'migrate', options: { from: 'old.yaml', 'dry-run': true } },
    ],
    ['fsck', { ...run, action: 'fsck' }],
    [
      'fsck --repair --data --state s.json --bucket=b --throttle 500 --min-age 0',
      {
        ...run,
        action: 'fsck',
        options: { repair: true, data: true, state: 's.json', bucket: 'b', throttle: '500', 'min-age': '0' },
      },
    ],
    [
      'gc --drain --json -f p.yaml',
      { ...run, action: 'gc', configPath: 'p.yaml', options: { drain: true, json: true } },
    ],
    ['quota', { ...run, action: 'quota', verb: 'list' }],
    [
      'quota set --bucket b --bytes 5g',
      { ...run, action: 'quota', verb: 'set', options: { bucket: 'b', bytes: '5g' } },
    ],
    ['-a quota show --tenant t', { ...run, action: 'quota', verb: 'show', options: { tenant: 't' } }],
    ['-V', { ...run, action: 'version' }],
    ['version', { ...run, action: 'version' }],
  ])('reads "%s"', (line, expected) => {
    expect(parseArgs(line.split(' ').filter(Boolean))).toEqual(expected);
  });

  it.each([
    ['boostrap', "unknown action 'boostrap' (did you mean 'bootstrap'?)"],
    ['-a frobnicate', "unknown action 'frobnicate'"],
    ['bootstrap check-config', 'one action at a time: bootstrap or check-config'],
    ['quota set remove', 'one thing at a time: quota set or remove'],
    ['quota sett', "unknown action 'sett'"],
    ['gc --repair', 'gc has no option --repair'],
    ['--json', 'api-run has no option --json'],
    ['fsck --throttle 0', "--throttle is a whole number from 1 on, not '0'"],
    ['fsck --min-age soon', "--min-age is a time such as 30m, not 'soon'"],
    ['fsck --state=', '--state is empty'],
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

describe('usageOf', () => {
  it.each(ACTIONS.map(({ name }) => name))('tells the options of %s', (name) => {
    const { options = [] } = rowOf(name);
    for (const option of options) expect(usageOf(name)).toMatch(new RegExp(`^  --${option.name}\\b.*  \\S`, 'm'));
    expect(usageOf(name)).toContain(`node dist/server ${name}`);
  });

  it('never means two things by one name', () => {
    const meanings = new Map<string, string>();
    for (const { name } of ACTIONS) {
      for (const option of rowOf(name).options ?? []) {
        const meaning = `${option.value === undefined ? 'flag' : 'value'} ${option.type ?? 'text'}`;
        expect(meanings.get(option.name) ?? meaning).toBe(meaning);
        meanings.set(option.name, meaning);
      }
    }
  });
});
