// Sends cases, several at once, and judges what comes back.
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../support/random.js';
import { md5Hex, nextCase } from './cases.js';
import type { Case, World } from './cases.js';

export interface FuzzOptions {
  readonly server: { readonly host: string; readonly port: number };
  readonly world: World;
  readonly random: Random;
  readonly cases: number;
  readonly concurrency: number;
  /** What no answer may hold. */
  readonly secrets: readonly string[];
  readonly progress?: (done: number) => void;
}

export interface Finding {
  readonly kind: string;
  readonly what: string;
  /** As it was sent, beginning. */
  readonly request: string;
  readonly answer: string;
}

export interface FuzzReport {
  readonly cases: number;
  /** kind -> status (0: none) -> how often */
  readonly statuses: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly findings: readonly Finding[];
}

/** A server that says nothing for so long hangs. */
const DEADLINE_MS = 60_000;
/** Who may break the protocol gets no answer, or one; it is not waited for longer. */
const PATIENCE_MS = 300;
const SHOWN_CHARS = 2000;
const MAX_FINDINGS = 50;

export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const statuses: Record<string, Record<string, number>> = {};
  const findings: Finding[] = [];
  let begun = 0;
  let done = 0;
  const work = async (random: Random): Promise<void> => {
    while (begun < options.cases && findings.length < MAX_FINDINGS) {
      begun += 1;
      const one = nextCase(random, options.world);
      const answer = await send(options.server, one);
      const counts = (statuses[one.kind] ??= {});
      const status = String(answer.status);
      counts[status] = (counts[status] ?? 0) + 1;
      const what = judge(one, answer, options.secrets);
      if (what !== null) findings.push(finding(one, answer, what));
      done += 1;
      options.progress?.(done);
    }
  };
  await Promise.all(Array.from({ length: options.concurrency }, () => work(options.random.fork())));
  return { cases: done, statuses, findings };
}

interface Answer {
  /** 0: none */
  readonly status: number;
  readonly bytes: Buffer;
  readonly end: 'closed' | 'deadline' | 'patience' | 'refused';
}

function judge(one: Case, answer: Answer, secrets: readonly string[]): string | null {
  const text = answer.bytes.toString('latin1');
  if (answer.end === 'refused') return 'nobody listens any more';
  if (answer.end === 'deadline') return 'no answer in time';
  if (text.includes('HTTP/1.1 500')) return 'answered 500';
  const told = secrets.find((secret) => text.includes(secret));
  if (told !== undefined) return `an answer with ${told}`;
  if (one.expect === 'anything') return null;
  if (answer.status === 0) return 'the connection ended without an answer';
  if (one.expect === 'refusal' && (answer.status < 400 || answer.status > 499)) return 'was not refused';
  if (one.expect === 'whole' && answer.status === 200 && one.payload !== null && !text.includes(md5Hex(one.payload)))
    return 'took other bytes than were signed or announced';
  return null;
}

function finding(one: Case, { bytes }: Answer, what: string): Finding {
  const shown = (raw: Buffer): string => JSON.stringify(raw.toString('latin1').slice(0, SHOWN_CHARS));
  return { kind: one.kind, what, request: shown(Buffer.concat(one.pieces)), answer: shown(bytes) };
}

function send(server: FuzzOptions['server'], one: Case): Promise<Answer> {
  return new Promise((resolve) => {
    const received: Buffer[] = [];
    let connected = false;
    const socket = net.connect({ host: server.host, port: server.port, noDelay: true });
    const finish = (end: Answer['end']): void => {
      clearTimeout(deadline);
      socket.destroy();
      const bytes = Buffer.concat(received);
      resolve({ status: Number(finalStatus(bytes.toString('latin1', 0, 4096))), bytes, end });
    };
    const deadline = setTimeout(() => finish('deadline'), DEADLINE_MS);
    socket.on('data', (data: Buffer) => received.push(data));
    socket.on('error', () => undefined);
    socket.on('close', () => finish(connected ? 'closed' : 'refused'));
    socket.on('connect', () => {
      connected = true;
      void deliver(socket, one).then(() => {
        if (one.cut) setTimeout(() => finish('patience'), one.kind === 'cut' ? 0 : PATIENCE_MS);
      });
    });
  });
}

async function deliver(socket: net.Socket, { pieces, pauseMs }: Case): Promise<void> {
  for (const [index, piece] of pieces.entries()) {
    if (index > 0) await sleep(pauseMs);
    if (socket.destroyed) return;
    socket.write(piece);
  }
}

/** Past interim answers. */
function finalStatus(text: string): string {
  for (const [, status = '0'] of text.matchAll(/^HTTP\/1\.1 (\d{3})/gm)) if (!status.startsWith('1')) return status;
  return '0';
}
