// The configuration's public face; the rest of src/config is its business.
export { describeConfig, redactConfig } from './describe.js';
export { ConfigError, formatIssue } from './errors.js';
export { defaultConfig, EXAMPLE_ACCESS_KEY, EXAMPLE_SECRET, loadConfig } from './load.js';
export type { LoadConfigOptions } from './load.js';
export { ConfigReloader } from './reloader.js';
export type * from './types.js';
