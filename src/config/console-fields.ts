// Field table of console: whether the gateway serves its web console.
import { flag } from './parsers.js';
import { defaulted, section } from './schema.js';
import type { Parser } from './schema.js';
import type { ConsoleConfig } from './types.js';

export const webConsole: Parser<ConsoleConfig> = section({
  fields: { enabled: defaulted('enabled', flag, true) },
});
