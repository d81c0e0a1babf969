import { expect, it } from 'vitest';
import { automaticWorkers } from '../../../src/cluster/size.js';

const GIB = 1024 ** 3;

it.each([
  [{ cores: 2, memoryLimitBytes: undefined }, 2],
  [{ cores: 64, memoryLimitBytes: GIB }, 2],
  [{ cores: 64, memoryLimitBytes: 128 * 1024 ** 2 }, 1],
  [{ cores: 4, memoryLimitBytes: 64 * GIB }, 4],
  // what Node answers where no limit is set
  [{ cores: 8, memoryLimitBytes: 18_446_744_073_709_552_000 }, 8],
  [{ cores: 8, memoryLimitBytes: 0 }, 8],
  [{ cores: 256, memoryLimitBytes: undefined }, 32],
])('%j serves with %i', (machine, workers) => {
  expect(automaticWorkers(machine)).toBe(workers);
});
