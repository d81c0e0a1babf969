// boto, which the documentation's script uses, and boto3: the scenarios are in python/, a test each.
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, it } from 'vitest';
import { describeWire, REGION, SERVICE_URI, USER_KEY } from '../wire/servers.js';
import { pythonScenarios, showFaultsOf, useWorkDir } from './fixtures.js';
import { clientEnv, ensurePython } from './tools.js';
import type { PythonTools } from './tools.js';

let tools: PythonTools;
beforeAll(async () => {
  tools = await ensurePython();
});

const LIBRARIES = {
  boto: await pythonScenarios(fileURLToPath(new URL('python/boto2.py', import.meta.url))),
  boto3: await pythonScenarios(fileURLToPath(new URL('python/boto3_client.py', import.meta.url))),
};

describeWire('Python', (wire) => {
  const workDir = useWorkDir();
  showFaultsOf(wire);

  describe.each(Object.entries(LIBRARIES))('%s', (_library, scenarios) => {
    it.each(scenarios.names)('%s', async (name) => {
      const { url, host, port } = wire.server;
      const settings = { url, host, port, region: REGION, serviceUri: SERVICE_URI, ...USER_KEY };
      await scenarios.run({ python: tools.python, env: clientEnv(workDir().path), name, settings });
    });
  });
});
