// Every code block of README and docs: commands are run, configurations are checked, documents are used. docs-pages.ts says how, or why
// not; a block that it does not know fails.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CreateBucketCommand, PutBucketVersioningCommand } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { ACTIONS, usageOf } from '../../src/config/cli.js';
import { loadConfig } from '../../src/config/index.js';
import { freePort } from '../cassandra/index.mjs';
import { useCassandra } from '../support/cassandra.js';
import { blocksOf, indentedCode } from '../support/guide.js';
import type { Block } from '../support/guide.js';
import { MASTER_KEY, OTHER_KEY, spawnPithos } from '../support/server.js';
import type { PithosConfig, PithosProcess } from '../support/server.js';
import { Webhook } from '../wire/receivers.js';
import { clientOf } from '../wire/servers.js';
import { PAGES } from './docs-pages.js';
import type { Page, Run, Treatment } from './docs-pages.js';
import { useWorkDir } from './fixtures.js';
import { guideHome, pointedAt, REPOSITORY } from './guide-home.js';
import type { GuideHome } from './guide-home.js';

const read = (name: string): string => readFileSync(path.join(REPOSITORY, name), 'utf8');
const pageNames = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(path.join(REPOSITORY, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

describe('the documentation', () => {
  it('has no block that nobody looks after', () => {
    const strange = pageNames.flatMap((name) => {
      const blocks = PAGES[name]?.blocks ?? [];
      const shellIsRun = PAGES[name]?.shellIsRunBy !== undefined;
      const looked = blocksOf(read(name)).filter(({ language }) => !(shellIsRun && language === 'sh'));
      const unknown = looked.filter((block, index) => !block.text.startsWith(blocks[index]?.[0] ?? '\0'));
      const gone = blocks.slice(looked.length).map(([begins]) => `${name} has no block '${begins}' any more`);
      return [
        ...unknown.map(({ line }) => `${name}:${line}: docs-pages.ts does not know this block`),
        ...gone,
        ...indentedCode(read(name)).map((line) => `${name}:${line}: code without a fence`),
      ];
    });
    expect(strange).toEqual([]);
    expect(Object.keys(PAGES).filter((name) => !pageNames.includes(name))).toEqual([]);
  });

  it('is read as it is meant', () => {
    expect(blocksOf('## One\n\n1. In a list:\n\n   ```sh s3fs\n   if true; then\n     ls\n   fi\n   ```\n')).toEqual([
      { section: 'One', language: 'sh', needs: 's3fs', text: 'if true; then\n  ls\nfi\n', line: 5 },
    ]);
    expect(() => blocksOf('```sh two words more\nls\n```\n')).toThrow('no fence that the tests know');
    expect(() => blocksOf('```sh\nls\n')).toThrow('does not end');
    expect(indentedCode('Do this:\n\n    ls\n    pwd\n\n## Then\n    cd\n\n1. List\n\n    more of it\n')).toEqual([
      3, 7,
    ]);
  });

  it('leaves to other tests what they do', () => {
    for (const [name, { shellIsRunBy, blocks }] of Object.entries(PAGES)) {
      if (shellIsRunBy !== undefined) expect(read(shellIsRunBy), name).toContain(path.basename(name));
      for (const [begins, treatment] of blocks)
        if (treatment.kind === 'elsewhere')
          for (const named of treatment.names) expect(read(treatment.test), `${name}: ${begins}`).toContain(named);
    }
  });

  it('names scripts, pages and options that there are', () => {
    const { scripts } = JSON.parse(read('package.json')) as { readonly scripts: Readonly<Record<string, string>> };
    const faults: string[] = [];
    const lines: string[] = [];
    for (const name of pageNames) {
      const text = read(name);
      const folder = path.dirname(path.join(REPOSITORY, name));
      for (const [, link = ''] of text.matchAll(/\]\((?!\w+:)([^)#\s]+)/g))
        if (!existsSync(path.join(folder, link))) faults.push(`${name}: link to ${link}`);
      for (const [, script = ''] of text.matchAll(/\bnpm run ([\w:]+)/g))
        if (scripts[script] === undefined) faults.push(`${name}: npm run ${script}`);
      for (const [, file = ''] of text.matchAll(/\bnode ([\w/.-]+\.mjs)/g))
        if (file.includes('/') && !existsSync(path.join(REPOSITORY, file))) faults.push(`${name}: node ${file}`);
      for (const [, action = '', rest = ''] of text.matchAll(/node dist\/server ([a-z][a-z-]+)([^`\n]*)/g)) {
        for (const [option] of rest.matchAll(/(?<![\w-])--?[a-z][a-z-]*/g)) lines.push(`${action} ${option}`);
      }
    }
    expect(lines.length).toBeGreaterThan(20);
    for (const line of new Set(lines)) {
      const [action = '', option = ''] = line.split(' ');
      const known = ACTIONS.find(({ name }) => name === action);
      const help = known === undefined ? '' : usageOf(known.name);
      if (!new RegExp(`(^|[ ,])${option}\\b`, 'm').test(help)) faults.push(`${line} is no option of it`);
    }
    expect(faults).toEqual([]);
  });
});

describe.each(Object.entries(PAGES).filter(([, { blocks }]) => blocks.some(([, one]) => isTried(one))))('%s', suite);

function isTried({ kind }: Treatment): boolean {
  return kind !== 'not' && kind !== 'elsewhere';
}

function suite(name: string, page: Page): void {
  const workDir = useWorkDir();
  let home: GuideHome;
  let server: PithosProcess | null = null;
  let env: Readonly<Record<string, string>> = {};

  beforeAll(async () => {
    home = await guideHome(await workDir().folder('home'));
    const client = { AWS_ACCESS_KEY_ID: MASTER_KEY.accessKeyId, AWS_SECRET_ACCESS_KEY: MASTER_KEY.secretAccessKey };
    const receiver = await Webhook.start();
    if (page.server !== undefined) {
      const config = JSON.stringify({ ...base(workDir().at('data')), ...page.server });
      server = await spawnPithos({ config: JSON.parse(config.replaceAll('RECEIVER', receiver.url())) as PithosConfig });
      await symlink(server.configFile, path.join(home.path, 'pithos.yaml'));
      env = {
        ...client,
        AWS_DEFAULT_REGION: 'us-east-1',
        AWS_ENDPOINT_URL: server.url,
        SERVER: server.url,
        ACCESS_KEY: MASTER_KEY.accessKeyId,
        SECRET: MASTER_KEY.secretAccessKey,
        OTHER: `${OTHER_KEY.accessKeyId}:${OTHER_KEY.secretAccessKey}`,
      };
    }
    return async () => {
      await server?.stop();
      await receiver.down();
    };
  });

  const ofPage = blocksOf(read(name)).filter(({ language }) => !(page.shellIsRunBy !== undefined && language === 'sh'));
  page.blocks.forEach(([begins, treatment], index) => {
    const block = ofPage[index];
    if (!isTried(treatment)) return;
    it(begins.split('\n', 2).join(' '), async () => {
      if (block === undefined) throw new Error('the page has no such block');
      await tryOut(block, treatment);
    });
  });

  async function tryOut({ text, language }: Block, treatment: Treatment): Promise<void> {
    switch (treatment.kind) {
      case 'run': {
        expect(language).toBe('sh');
        const { before, prints = /(?:)/, after, instead = {} } = treatment;
        await prepare(treatment);
        if (before !== undefined) await home.sh(before, env);
        let script = server === null ? text : pointedAt(server, text);
        for (const [there, here] of Object.entries(instead)) {
          expect(script).toContain(there);
          script = script.replaceAll(there, here);
        }
        expect((await home.sh(script, page.complete === true ? {} : env)).stdout).toMatch(prints);
        if (after !== undefined) await home.sh(after, env);
        return;
      }
      case 'config':
        expect(language).toBe('yaml');
        for (const file of treatment.files ?? []) await home.sh(`openssl rand -base64 32 > ${file}`);
        await checkConfig(text, treatment.env ?? {}, treatment.onCassandra ?? false);
        return;
      case 'serve':
        await serveAsToldBy(text, treatment.after);
        return;
      case 'json':
        expect(() => JSON.parse(text) as unknown).not.toThrow();
        await prepare(treatment);
        await home.sh(treatment.use, { ...env, DOCUMENT: text });
        return;
      case 'answer': {
        const { stdout } = await home.sh(treatment.from, env);
        const fields = (json: string) => Object.keys(JSON.parse(json) as object).sort();
        expect(fields(text)).toEqual(fields(stdout));
        return;
      }
      default:
        throw new Error(`nothing to try: ${treatment.kind}`);
    }
  }

  async function prepare({ buckets = [], versioned = false }: Pick<Run, 'buckets' | 'versioned'>): Promise<void> {
    if (server === null) return;
    const s3 = clientOf(server, MASTER_KEY, { region: 'us-east-1' });
    for (const Bucket of buckets) {
      await s3.send(new CreateBucketCommand({ Bucket }));
      const VersioningConfiguration = { Status: 'Enabled' } as const;
      if (versioned) await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
    }
    s3.destroy();
  }

  async function checkConfig(text: string, variables: Readonly<Record<string, string>>, onCassandra: boolean) {
    const keys = "keystore: { keys: { AKIAIOSFODNN7EXAMPLE: { tenant: 'me', secret: 'change me' } } }\n";
    const file = path.join(home.path, 'checked.yaml');
    await writeFile(file, /^keystore:/m.test(text) ? text : keys + text);
    // What check-config does, without a process for each.
    expect(loadConfig({ path: file, env: variables }).warnings).toEqual([]);
    if (!onCassandra) return;
    const { contactPoint, localDataCenter } = useCassandra();
    const [, nativePort = '9042'] = /:(\d+)$/.exec(contactPoint) ?? [];
    const port = await freePort({ hosts: ['127.0.0.1'] });
    const here = text
      .replaceAll('cassandra1,cassandra2', contactPoint)
      .replaceAll(
        'keyspace: storage',
        `keyspace: ${inject('wireKeyspace')}, port: ${nativePort}, local-datacenter: ${localDataCenter}`,
      )
      .replaceAll('repfactor: 3', 'repfactor: 1')
      .replace("host: '0.0.0.0', port: 8080", `host: '127.0.0.1', port: ${port}`);
    await home.sh('rm -f pithos.yaml');
    await writeFile(path.join(home.path, 'pithos.yaml'), here);
    env = { ...env, ...variables, AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` };
  }

  /** Its last command in the background, until it answers and `after` is done; then it has to end by itself. */
  async function serveAsToldBy(text: string, after: string): Promise<void> {
    const commands = text.trimEnd().split('\n');
    const serving = commands.pop() ?? '';
    const script = [
      ...commands,
      `${serving} > serving.log 2>&1 & server=$!`,
      'until curl --silent --output answer "$AWS_ENDPOINT_URL"; do kill -0 $server; sleep 0.3; done',
      after,
      'kill $server',
      'wait $server',
    ];
    await home.sh(script.join('\n'), env);
  }
}

/** What the server has without any configuration, and a second account; one process is enough for a page. */
function base(dataDir: string): PithosConfig {
  const key = ({ tenant, secretAccessKey: secret }: typeof MASTER_KEY, master: boolean) => ({ tenant, secret, master });
  return {
    service: { workers: 1 },
    keystore: {
      keys: { [MASTER_KEY.accessKeyId]: key(MASTER_KEY, true), [OTHER_KEY.accessKeyId]: key(OTHER_KEY, false) },
    },
    options: { 'data-dir': dataDir },
  };
}
