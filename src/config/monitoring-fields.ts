// Fields of the section service that say where health and metrics are served.
import { integer, text } from './parsers.js';
import { optional } from './schema.js';

export const healthFields = {
  healthPort: optional('health-port', integer({ min: 0, max: 65_535 })),
  healthHost: optional('health-host', text),
} as const;
