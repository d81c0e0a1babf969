/** The log: pino, JSON lines, to the console and to files as Pithos's logging section says. Secrets never reach it. */
import type { Logger } from 'pino';
import pino from 'pino';
import type { LoggingConfig, LogLevel } from '../config/types.js';

/** Loggers by the names that logging.overrides knows; Pithos's own root name is theirs too. */
export const LOGGERS = {
  main: 'io.pithos',
  requests: 'io.pithos.api',
  store: 'io.pithos.store',
  gc: 'io.pithos.gc',
  events: 'io.pithos.events',
} as const;

export interface Logs {
  readonly main: Logger;
  /** a line per request */
  readonly requests: Logger;
  readonly store: Logger;
  readonly gc: Logger;
  readonly events: Logger;
}

export interface LogsOptions {
  /** nothing to the console */
  readonly quiet: boolean;
  /** Where the console's lines go, default stdout. */
  readonly console?: 'stdout' | 'stderr';
}

export function createLogs(config: LoggingConfig, options: LogsOptions): Logs {
  const root = rootLogger(config, options);
  const logger = (name: string): Logger => root.child({ logger: name }, { level: levelOf(config, name) });
  return {
    main: logger(LOGGERS.main),
    requests: logger(LOGGERS.requests),
    store: logger(LOGGERS.store),
    gc: logger(LOGGERS.gc),
    events: logger(LOGGERS.events),
  };
}

/** Levels of a configuration that was read again. */
export function setLevels(logs: Logs, config: Pick<LoggingConfig, 'level' | 'overrides'>): void {
  for (const name of Object.keys(LOGGERS) as (keyof typeof LOGGERS)[])
    logs[name].level = levelOf(config, LOGGERS[name]);
}

/** The override of the longest dotted prefix of the name, else the general level. */
export function levelOf(config: Pick<LoggingConfig, 'level' | 'overrides'>, name: string): LogLevel {
  for (let prefix = name; prefix !== ''; prefix = prefix.slice(0, Math.max(0, prefix.lastIndexOf('.')))) {
    const level = config.overrides[prefix];
    if (level !== undefined) return level;
  }
  return config.level;
}

function rootLogger(config: LoggingConfig, { quiet, console = 'stdout' }: LogsOptions): Logger {
  const options: pino.LoggerOptions = {
    level: config.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: ['secret', '*.secret', 'authorization', '*.authorization', 'headers.authorization'],
  };
  // Levels are judged by the loggers: a stream takes what it is given.
  const streams: pino.StreamEntry[] = [];
  const dest = console === 'stdout' ? 1 : 2;
  if (config.console && !quiet) streams.push({ level: 'trace', stream: pino.destination({ dest, sync: false }) });
  for (const file of config.files)
    streams.push({ level: 'trace', stream: pino.destination({ dest: file, sync: false, mkdir: true }) });
  const [first] = streams;
  if (first === undefined) return pino({ ...options, level: 'silent' }, pino.destination({ dest: '/dev/null' }));
  return streams.length === 1 ? pino(options, first.stream) : pino(options, pino.multistream(streams));
}
