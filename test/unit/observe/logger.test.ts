import { expect, it } from 'vitest';
import { LOGGERS, levelOf } from '../../../src/observe/logger.js';

it('the longest prefix of a logger name decides its level', () => {
  const config = { level: 'info', overrides: { 'io.pithos': 'debug', 'io.pithos.gc': 'error' } } as const;
  expect(levelOf(config, LOGGERS.main)).toBe('debug');
  expect(levelOf(config, LOGGERS.requests)).toBe('debug');
  expect(levelOf(config, LOGGERS.gc)).toBe('error');
  expect(levelOf({ level: 'warn', overrides: { 'io.pithosx': 'debug' } }, LOGGERS.main)).toBe('warn');
});
