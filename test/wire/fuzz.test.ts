/** Hostile requests, a few thousand of them: no crash, no hang, no 500, nothing to whom it does not belong. test/fuzz/fuzz.mjs sends more. */
import { expect, it } from 'vitest';
import { fuzz } from '../fuzz/fuzz.js';
import { makeWorld } from '../fuzz/world.js';
import { Random } from '../support/random.js';
import { describeWire, KEYS } from './servers.js';

const seed = Math.floor(Math.random() * 1_000_000);
const CASES = 2000;
/** Bodies that never come are given up soon. */
const limits = { 'headers-timeout': '2s', 'body-idle-timeout': '2s', 'request-timeout': '20s' };

describeWire(
  `a fuzzer, seed ${seed}`,
  (wire) => {
    it('finds nothing', async () => {
      const { host, port, pid } = wire.server;
      const { world, secrets } = await makeWorld({
        host: `${host}:${port}`,
        user: KEYS.user,
        other: KEYS.other,
        userS3: wire.s3,
        otherS3: wire.client(KEYS.other),
      });
      const random = new Random(seed);
      const report = await fuzz({ server: wire.server, world, random, cases: CASES, concurrency: 16, secrets });
      expect(report.findings).toEqual([]);
      expect(report.cases).toBe(CASES);
      // It got past the signature: the operations themselves were reached.
      expect(report.statuses['signed']?.['200']).toBeGreaterThan(CASES / 100);
      expect(wire.server).toMatchObject({ running: true, pid });
      const logs = wire.server.logs();
      // A worker that dies is replaced, and logged.
      expect(logs).not.toMatch(/"level":"(error|fatal)"|^pithos: /m);
      for (const secret of secrets) expect(logs).not.toContain(secret);
    });
  },
  { limits, logging: { level: 'warn' } },
);
