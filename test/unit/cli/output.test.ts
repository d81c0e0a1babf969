// Progress on a terminal is a bar that goes away; elsewhere it is a line now and then. The report waits for its reader.
import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { CliOutput } from '../../../src/cli/output.js';

class Stream extends EventEmitter {
  text = '';
  full = false;
  readonly isTTY: boolean;
  readonly columns = 60;

  constructor(isTTY = false) {
    super();
    this.isTTY = isTTY;
  }

  write(text: string): boolean {
    this.text += text;
    return !this.full;
  }
}

function output(isTTY: boolean) {
  const [out, err] = [new Stream(), new Stream(isTTY)];
  const clock = { ms: 0 };
  return { out, err, clock, output: new CliOutput({ out, err, now: () => clock.ms }) };
}

describe('CliOutput', () => {
  it('draws a bar no wider than the terminal and takes it away before anything else is written', async () => {
    const { out, err, output: cli } = output(true);
    cli.progress({ label: 'versions', fraction: 0.5, detail: 'x'.repeat(100) });
    expect(err.text).toBe(`\r\u001b[K${`[############------------]  50 % versions: ${'x'.repeat(100)}`.slice(0, 59)}`);
    await cli.line('found');
    expect(out.text).toBe('found\n');
    expect(err.text.endsWith('\r\u001b[K')).toBe(true);
  });

  it('writes a line every few seconds where there is no terminal', () => {
    const { err, clock, output: cli } = output(false);
    for (clock.ms = 0; clock.ms < 12_000; clock.ms += 100)
      cli.progress({ label: 'versions', fraction: null, detail: String(clock.ms) });
    expect(err.text).toBe('versions: 0\nversions: 5000\nversions: 10000\n');
  });

  it('waits for a reader that is slower', async () => {
    const { out, output: cli } = output(false);
    out.full = true;
    let written = false;
    const writing = cli.write('much').then(() => {
      written = true;
    });
    await Promise.resolve();
    expect(written).toBe(false);
    out.emit('drain');
    await writing;
    expect(written).toBe(true);
  });
});
