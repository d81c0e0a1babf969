// The command line, as a pure function from argv to a Command. main.ts runs what it says; new actions are rows of ACTIONS.
import { parseArgs as parseNodeArgs } from 'node:util';
import { hint } from './suggest.js';

/** What the process can be told to do; `aliases` are other names of the same. */
export const ACTIONS = [
  {
    name: 'api-run',
    aliases: ['serve'],
    summary: 'serve S3 until told to stop (what happens when no action is given)',
  },
  {
    name: 'bootstrap',
    aliases: ['install-schema'],
    summary: 'create the keyspaces and tables that Cassandra lacks, waiting for it to start; then exit',
  },
  {
    name: 'check-config',
    aliases: [],
    summary: 'read the configuration, list its faults and warnings, show what it means',
  },
  { name: 'help', aliases: [], summary: 'show this text' },
  { name: 'version', aliases: [], summary: 'show the version' },
] as const satisfies readonly {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly summary: string;
}[];

export type ActionName = (typeof ACTIONS)[number]['name'];

export interface ActionCommand {
  readonly kind: 'action';
  readonly action: ActionName;
  /** The configuration file named on the command line; null leaves the choice to the environment and the defaults. */
  readonly configPath: string | null;
  /** Write nothing to standard output except what was asked for. */
  readonly quiet: boolean;
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

/** Reads the arguments after `node dist/server`. Help wins over version, and both over every action. */
export function parseArgs(argv: readonly string[]): Command {
  let parsed;
  try {
    parsed = parseNodeArgs({ args: [...argv], options: OPTIONS, allowPositionals: true, strict: true });
  } catch (error) {
    return usageError(firstSentence(error));
  }
  const { values, positionals } = parsed;

  const actions = new Set<ActionName>();
  for (const name of [...positionals, ...(values.action ?? [])]) {
    const action = findAction(name);
    if (action === null) return usageError(`unknown action '${name}'${hint(name, actionNames())}`);
    actions.add(action);
  }
  const [action = DEFAULT_ACTION, second] = actions;
  if (second !== undefined) return usageError(`one action at a time: ${action} or ${second}`);

  const paths = new Set([...(values.path ?? []), ...(values.config ?? [])]);
  const [configPath = null, otherPath] = paths;
  if (otherPath !== undefined) return usageError('one configuration file at a time');
  if (configPath === '') return usageError('the name of the configuration file is empty');

  const asked = values.help === true ? 'help' : values.version === true ? 'version' : action;
  return { kind: 'action', action: asked, configPath, quiet: values.quiet ?? false };
}

/** The text of `--help`. */
export function usage(): string {
  const rows = ACTIONS.map(({ name, aliases, summary }) => [[name, ...aliases].join(', '), summary] as const);
  const options = [
    ['-f, --path, --config FILE', 'configuration file; PITHOS_CONFIGURATION names one too'],
    ['-a, --action ACTION', 'the action, for command lines of the original Pithos'],
    ['-q, --quiet', 'write nothing to standard output that was not asked for'],
    ['-h, --help', 'show this text'],
    ['-V, --version', 'show the version'],
  ] as const;
  const width = Math.max(...[...rows, ...options].map(([left]) => left.length));
  const table = (lines: readonly (readonly [string, string])[]): string =>
    lines.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n');
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
    table(options),
    '',
  ].join('\n');
}

function findAction(name: string): ActionName | null {
  const found = ACTIONS.find((row) => row.name === name || (row.aliases as readonly string[]).includes(name));
  return found?.name ?? null;
}

function actionNames(): readonly string[] {
  return ACTIONS.flatMap(({ name, aliases }) => [name, ...aliases]);
}

function usageError(reason: string): UsageErrorCommand {
  return { kind: 'usage-error', message: `pithos: ${reason}\n\n${usage()}`, exitCode: 2 };
}

// Node's messages go on with advice about '--' that is of no use here.
function firstSentence(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split(/\. |\n/)[0] ?? message;
}
