// Reads the Dockerfile into stages, and carries out what a builder would do with their files and commands, in folders.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const COMMAND_TIMEOUT_MS = 600_000;

export interface Instruction {
  readonly name: string;
  readonly text: string;
}

export interface Stage {
  readonly name: string | null;
  readonly from: string;
  readonly instructions: readonly Instruction[];
}

export interface Dockerfile {
  /** Defaults of ARG before the first stage. */
  readonly args: Readonly<Record<string, string>>;
  readonly stages: readonly Stage[];
}

export function parseDockerfile(text: string): Dockerfile {
  const args: Record<string, string> = {};
  const stages: { name: string | null; from: string; instructions: Instruction[] }[] = [];
  for (const { name, text: rest } of instructionsOf(text)) {
    const stage = stages.at(-1);
    if (name === 'FROM') {
      const [from = '', , alias] = rest.split(' ');
      const image = from.replace(/^\$\{(\w+)\}$/, (_, arg: string) => args[arg] ?? '');
      stages.push({ name: alias ?? null, from: image, instructions: [] });
    } else if (stage !== undefined) {
      stage.instructions.push({ name, text: rest });
    } else if (name === 'ARG') {
      const [key = '', value = ''] = rest.split('=');
      args[key] = value;
    }
  }
  return { args, stages };
}

/** Instructions in order, with continued lines joined and comments gone. */
function instructionsOf(text: string): Instruction[] {
  return text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [name = '', ...rest] = line.split(' ');
      return { name, text: rest.join(' ') };
    });
}

interface Build {
  /** The folder that `docker build` is given. */
  readonly context: string;
  /** Root folders of the stages built so far, by name. */
  readonly roots: Readonly<Record<string, string>>;
  /** Becomes the stage's root folder. */
  readonly root: string;
  /** Whether its RUN instructions are carried out, in its working folder. */
  readonly run: boolean;
}

/** COPY and RUN of a stage. What its base image has is not there; commands find this machine's programs. */
export async function buildStage({ instructions }: Stage, { context, roots, root, run }: Build): Promise<void> {
  let workdir = '/';
  for (const { name, text } of instructions) {
    if (name === 'WORKDIR') workdir = text;
    mkdirSync(join(root, workdir), { recursive: true });
    if (name === 'COPY') copy(text, { workdir, context, roots, root });
    if (name !== 'RUN' || !run) continue;
    // It would be this machine's folder, not the image's.
    if (/(?:^|\s)\//.test(text)) throw new Error(`not to be run here: ${text}`);
    await execute('sh', ['-ec', text], { cwd: join(root, workdir), timeout: COMMAND_TIMEOUT_MS, maxBuffer: 1 << 26 });
  }
}

function copy(text: string, where: Omit<Build, 'run'> & { readonly workdir: string }): void {
  const words = text.split(' ');
  const stage = /^--from=(.*)$/.exec(words[0] ?? '')?.[1];
  const from = stage === undefined ? where.context : where.roots[stage];
  if (from === undefined) throw new Error(`no stage ${stage ?? ''}`);
  const sources = words.slice(stage === undefined ? 0 : 1, -1);
  const target = posix.resolve(where.workdir, words.at(-1) ?? '');
  const intoFolder = (words.at(-1) ?? '').endsWith('/');
  for (const source of sources) {
    const path = join(where.root, intoFolder ? join(target, posix.basename(source)) : target);
    mkdirSync(dirname(path), { recursive: true });
    cpSync(join(from, source), path, { recursive: true });
  }
}
