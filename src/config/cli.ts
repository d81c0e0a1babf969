// The command line, as a pure function from argv to a Command. main.ts runs what it says; actions are rows of ACTIONS.
import { parseArgs as parseNodeArgs } from 'node:util';
import { ACTIONS, actionNames, findAction, rowOf } from './actions.js';
import type { ActionName, ActionOption, ActionRow } from './actions.js';
import { hint } from './suggest.js';
import { parseDurationMs } from './units.js';

export { ACTIONS } from './actions.js';
export type { ActionName } from './actions.js';

/** The action's own options that were given: their text, true for those that take none. */
export type GivenOptions = Readonly<Record<string, string | true>>;

export interface ActionCommand {
  readonly kind: 'action';
  readonly action: ActionName;
  /** help: the action that is asked about */
  readonly topic: ActionName | null;
  /** The configuration file named on the command line; null leaves the choice to the environment and the defaults. */
  readonly configPath: string | null;
  /** What the action is told to do, of those that can be told. */
  readonly verb?: string;
  /** Write nothing to standard output except what was asked for. */
  readonly quiet: boolean;
  readonly options: GivenOptions;
}

export interface UsageErrorCommand {
  readonly kind: 'usage-error';
  /** Complete text for standard error. */
  readonly message: string;
  readonly exitCode: 2;
}

export type Command = ActionCommand | UsageErrorCommand;

const DEFAULT_ACTION: ActionName = 'api-run';

const OPTIONS = {
  action: { type: 'string', short: 'a', multiple: true },
  path: { type: 'string', short: 'f', multiple: true },
  config: { type: 'string', multiple: true },
  quiet: { type: 'boolean', short: 'q' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'V' },
} as const;

/** Of all actions, as Node wants them: which of them the action has is looked at afterwards. */
const ACTION_OPTIONS = Object.fromEntries(
  (ACTIONS as readonly ActionRow[]).flatMap(({ options = [] }) =>
    options.map(({ name, value }) => [name, { type: value === undefined ? 'boolean' : 'string' } as const]),
  ),
);

/** Reads the arguments after `node dist/server`. Help wins over version, and both over every action. */
export function parseArgs(argv: readonly string[]): Command {
  let parsed;
  try {
    const options = { ...ACTION_OPTIONS, ...OPTIONS };
    parsed = parseNodeArgs({ args: [...argv], options, allowPositionals: true, strict: true });
  } catch (error) {
    return usageError(firstSentence(error));
  }
  const { values, positionals } = parsed;

  const actions = new Set<ActionName>();
  const verbs = new Set<string>();
  for (const name of [...(values.action ?? []), ...positionals]) {
    if ([...actions].some((action) => rowOf(action).verbs?.includes(name) === true)) {
      verbs.add(name);
      continue;
    }
    const action = findAction(name);
    if (action === null) return usageError(`unknown action '${name}'${hint(name, actionNames())}`);
    actions.add(action);
  }
  const asksHelp = values.help === true || actions.delete('help');
  const [named = null, second] = actions;
  if (named !== null && second !== undefined) return usageError(`one action at a time: ${named} or ${second}`);

  const paths = new Set([...(values.path ?? []), ...(values.config ?? [])]);
  const [configPath = null, otherPath] = paths;
  if (otherPath !== undefined) return usageError('one configuration file at a time');
  if (configPath === '') return usageError('the name of the configuration file is empty');

  const common = { kind: 'action', topic: null, configPath, quiet: values.quiet ?? false, options: {} } as const;
  if (asksHelp) return { ...common, action: 'help', topic: named };
  if (values.version === true) return { ...common, action: 'version' };
  const action = named ?? DEFAULT_ACTION;
  const [verb = rowOf(action).verbs?.[0], otherVerb] = verbs;
  if (otherVerb !== undefined) return usageError(`one thing at a time: ${action} ${[...verbs].join(' or ')}`);
  const options = optionsOf(rowOf(action), values);
  if (typeof options === 'string') return usageError(options);
  return { ...common, action, ...(verb === undefined ? {} : { verb }), options };
}

/** What was given of the action's own options, or what is wrong with it. */
function optionsOf({ name: action, options = [] }: ActionRow, values: object): GivenOptions | string {
  const given: Record<string, string | true> = {};
  for (const [name, value] of Object.entries(values) as [string, unknown][]) {
    if (name in OPTIONS) continue;
    const option = options.find((one) => one.name === name);
    if (option === undefined) return `${action} has no option --${name}`;
    const fault = typeof value === 'string' ? faultOf(option, value) : null;
    if (fault !== null) return fault;
    if (value !== false) given[name] = typeof value === 'string' ? value : true;
  }
  return given;
}

function faultOf({ name, type }: ActionOption, value: string): string | null {
  if (value === '') return `--${name} is empty`;
  if (type === 'count' && !/^[1-9]\d{0,8}$/.test(value)) return `--${name} is a whole number from 1 on, not '${value}'`;
  if (type === 'duration' && parseDurationMs(value) === null) return `--${name} is a time such as 30m, not '${value}'`;
  return null;
}

/** The text of `--help`. */
export function usage(): string {
  const rows = ACTIONS.map(({ name, aliases, summary }) => [[name, ...aliases].join(', '), summary] as const);
  return [
    'Usage: node dist/server [ACTION] [OPTION]...',
    '',
    'Pithos, an S3-compatible object store on Apache Cassandra. Without a configuration file it serves a store of its own',
    'in ./data on 127.0.0.1:8080, with the published example keys.',
    '',
    'Actions:',
    table(rows),
    '',
    'Options:',
    table(GENERAL),
    '',
  ].join('\n');
}

/** The text of `help ACTION`. */
export function usageOf(action: ActionName): string {
  const { name, aliases, summary, options = [], verbs = [], details = [] } = rowOf(action);
  const own = options.map(
    (option) =>
      [option.value === undefined ? `--${option.name}` : `--${option.name} ${option.value}`, option.summary] as const,
  );
  return [
    `Usage: node dist/server ${name}${verbs.length === 0 ? '' : ` [${verbs.join(' | ')}]`} [OPTION]...`,
    '',
    `${name}: ${summary}.`,
    ...(aliases.length === 0 ? [] : [`Other names: ${aliases.join(', ')}.`]),
    ...details,
    '',
    'Options:',
    table([...own, ...GENERAL]),
    '',
  ].join('\n');
}

const GENERAL = [
  ['-f, --path, --config FILE', 'configuration file; PITHOS_CONFIGURATION names one too'],
  ['-a, --action ACTION', 'the action, for command lines of the original Pithos'],
  ['-q, --quiet', 'write nothing to standard output that was not asked for'],
  ['-h, --help', 'show this text'],
  ['-V, --version', 'show the version'],
] as const;

const WIDTH = Math.max(
  ...GENERAL.map(([left]) => left.length),
  ...ACTIONS.map(({ name, aliases }) => [name, ...aliases].join(', ').length),
);

function table(lines: readonly (readonly [string, string])[]): string {
  return lines.map(([left, right]) => `  ${left.padEnd(WIDTH)}  ${right}`).join('\n');
}

function usageError(reason: string): UsageErrorCommand {
  return { kind: 'usage-error', message: `pithos: ${reason}\n\n${usage()}`, exitCode: 2 };
}

// Node's messages go on with advice about '--' that is of no use here.
function firstSentence(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split(/\. |\n/)[0] ?? message;
}
