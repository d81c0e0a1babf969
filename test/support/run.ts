// Runs a command to its end, with a limit on its time, for tests that drive client tools and the server's one-shot commands.
import { spawn } from 'node:child_process';

const TIMEOUT_MS = 120_000;

export interface RunOptions {
  /** Variables added to this process's; undefined takes one away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Written to standard input, which is empty otherwise. */
  readonly input?: string | Uint8Array;
  /** Default 120,000. */
  readonly timeoutMs?: number;
}

export interface RunResult {
  /** Exit code; 128 when a signal ended the command. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output as it came, for binary data. */
  readonly stdoutBytes: Buffer;
}

/**
 * Runs a command and answers its exit code, whatever it is. Fails when the command cannot be started, and when `timeoutMs` is
 * over: then it and all that it started are killed, and the error shows what they printed.
 */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { env = {}, cwd, input, timeoutMs = TIMEOUT_MS } = options;
  return new Promise((resolve, reject) => {
    // Its own process group, so that the kill reaches children that hold the pipes open.
    const child = spawn(command, args, { env: { ...process.env, ...env }, cwd, detached: true });
    const killGroup = () => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // The group is gone already.
      }
    };
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (data: Buffer) => stdout.push(data));
    child.stderr.on('data', (data: Buffer) => stderr.push(data));
    const text = (parts: readonly Buffer[]) => Buffer.concat(parts).toString('utf8');
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      killGroup();
    }, timeoutMs);
    process.once('exit', killGroup);
    const settle = () => {
      clearTimeout(timer);
      process.removeListener('exit', killGroup);
    };
    child.once('error', (error) => {
      settle();
      reject(new Error(`${command} did not start: ${error.message}`, { cause: error }));
    });
    child.once('close', (code) => {
      settle();
      if (timedOut) {
        const line = [command, ...args].join(' ');
        reject(new Error(`Killed after ${timeoutMs} ms: ${line}\n${text(stdout)}\n${text(stderr)}`));
      } else {
        resolve({ code: code ?? 128, stdout: text(stdout), stderr: text(stderr), stdoutBytes: Buffer.concat(stdout) });
      }
    });
    // A command that ends without reading its input is its own business.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

/** As `run`, but a non-zero exit code is an error that shows what the command printed. */
export async function runOk(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const result = await run(command, args, options);
  if (result.code === 0) return result;
  const line = [command, ...args].join(' ');
  throw new Error(`Exit code ${result.code}: ${line}\n${result.stdout}\n${result.stderr}`);
}
