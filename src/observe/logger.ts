/** The log: pino, JSON lines, to the console and to files as Pithos's logging section says. Secrets never reach it. */
import type { Logger } from 'pino';
import pino from 'pino';
import type { LoggingConfig } from '../config/types.js';

export function createLogger(config: LoggingConfig, { quiet }: { readonly quiet: boolean }): Logger {
  const streams: pino.StreamEntry[] = [];
  const level = config.level === 'silent' ? 'fatal' : config.level;
  if (config.console && !quiet) streams.push({ level, stream: pino.destination({ dest: 1, sync: false }) });
  for (const file of config.files)
    streams.push({ level, stream: pino.destination({ dest: file, sync: false, mkdir: true }) });
  const options: pino.LoggerOptions = {
    level: config.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: ['secret', '*.secret', 'authorization', '*.authorization', 'headers.authorization'],
  };
  if (streams.length === 0) return pino({ ...options, level: 'silent' });
  const first = streams[0];
  if (streams.length === 1 && first) return pino(options, first.stream);
  return pino(options, pino.multistream(streams));
}
