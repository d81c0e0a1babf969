// The web console in a real Chromium, used as people use it: what they see, and what it made of the store.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  CreateBucketCommand,
  GetBucketPolicyCommand,
  GetBucketWebsiteCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { MIB } from '../../wire/helpers.js';
import { bucketName, describeWire, MASTER_KEY, USER_KEY } from '../../wire/servers.js';
import {
  axeFindings,
  axeSource,
  dropFiles,
  dropFolder,
  launchChromium,
  logIn,
  openPage,
  ownFindings,
  patternBytes,
  visit,
} from './browser.js';
import type { ConsolePage } from './browser.js';
import { showFaultsOf } from '../fixtures.js';

const LARGE_BYTES = 41 * MIB + 7;
const SLOW_MS = 240_000;

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser.close());

describeWire('console', (wire) => {
  showFaultsOf(wire);
  const opened: ConsolePage[] = [];

  /** A page of the console's own world, closed after the test, which fails when anything went wrong in it. */
  const fresh = async (options: Parameters<typeof openPage>[1] = {}): Promise<Page> => {
    const one = await openPage(browser, options);
    opened.push(one);
    return one.page;
  };
  const loggedIn = async (hash = '#/', options: Parameters<typeof openPage>[1] = {}): Promise<Page> => {
    const page = await fresh(options);
    await logIn(page, wire.server.url, MASTER_KEY);
    await page.getByRole('navigation', { name: 'Main' }).waitFor();
    await visit(page, wire.server.url, hash);
    return page;
  };
  const s3 = () => wire.client(MASTER_KEY);
  const contentOf = async (Bucket: string, Key: string): Promise<Buffer> => {
    const { Body } = await s3().send(new GetObjectCommand({ Bucket, Key }));
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  };
  /** A bucket of the key that is logged in, made by the API. */
  const bucketOf = async (): Promise<string> => {
    const Bucket = bucketName('console');
    await s3().send(new CreateBucketCommand({ Bucket }));
    return Bucket;
  };

  afterEach(async () => {
    const faults = opened.flatMap((one) => one.faults);
    await Promise.all(opened.splice(0).map(({ context }) => context.close()));
    expect(faults).toEqual([]);
  });

  it('says what is wrong with keys, and what to do', async () => {
    const page = await fresh();
    await logIn(page, wire.server.url, { ...MASTER_KEY, secretAccessKey: 'wrong' });
    const problem = page.getByRole('alert');
    await expect.poll(() => problem.textContent()).toContain('SignatureDoesNotMatch');
    expect(await problem.textContent()).toContain('The secret key does not belong to this access key');
    await page.getByLabel('Access key').fill('AKIANOBODYKNOWSTHIS0');
    await page.getByRole('button', { name: 'Log in' }).click();
    await expect.poll(() => problem.textContent()).toMatch(/InvalidClientTokenId|InvalidAccessKeyId/);
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
  });

  it('is reached by typing the address, used by keyboard, and forgets the keys', async () => {
    const page = await fresh();
    await page.goto(wire.server.url);
    await page.waitForURL(/\/-\/console\/$/);
    await page.getByLabel('Access key').waitFor();
    await page.keyboard.type(MASTER_KEY.accessKeyId);
    await page.keyboard.press('Tab');
    await page.keyboard.type(MASTER_KEY.secretAccessKey);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Buckets', level: 1 }).waitFor();
    const create = page.getByRole('button', { name: 'Create bucket' });
    await create.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Create bucket' }).waitFor();
    expect(await page.evaluate(() => document.activeElement?.getAttribute('maxlength'))).toBe('63');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await expect.poll(() => create.evaluate((element) => element === document.activeElement)).toBe(true);
    await page.reload();
    await page.getByRole('heading', { name: 'Buckets', level: 1 }).waitFor();
    expect(await page.evaluate(() => document.cookie + JSON.stringify(localStorage))).toBe('{}');
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByLabel('Access key').waitFor();
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
  });

  it(
    'creates a bucket, uploads what is dropped, small and in parts, browses, previews, shares, deletes',
    async () => {
      const page = await loggedIn();
      const bucket = bucketName('console');
      await page.getByRole('button', { name: 'Create bucket' }).click();
      await page.getByLabel('Name').fill(bucket);
      await page.getByRole('button', { name: 'Create', exact: true }).click();
      await page.getByRole('heading', { name: bucket, level: 1 }).waitFor();
      const text = 'Hello, clay jar! ünïcödé 🏺\n';
      await dropFiles(page, [
        { name: 'hello +%20 & jar.txt', type: 'text/plain', content: text },
        { name: 'archive.bin', type: '', content: LARGE_BYTES },
        { name: 'empty', type: '', content: '' },
        { name: 'dot.svg', type: 'image/svg+xml', content: DOT },
      ]);
      await page.getByText('4 files uploaded').waitFor({ timeout: SLOW_MS });
      expect((await contentOf(bucket, 'archive.bin')).equals(patternBytes(LARGE_BYTES))).toBe(true);
      const head = await s3().send(new HeadObjectCommand({ Bucket: bucket, Key: 'archive.bin' }));
      expect(head.ETag).toMatch(/-6"$/);
      expect((await contentOf(bucket, 'hello +%20 & jar.txt')).toString()).toBe(text);

      // One that is done before anybody sees it under way is listed too.
      await page.getByRole('button', { name: 'Close uploads' }).click();
      await dropFiles(page, [{ name: 'quick.txt', type: 'text/plain', content: 'quick' }]);
      await page.getByRole('link', { name: 'quick.txt' }).waitFor();
      await page.getByRole('button', { name: 'Close uploads' }).click();
      await page.getByRole('link', { name: 'hello +%20 & jar.txt' }).click();
      await expect.poll(() => page.locator('pre').textContent()).toBe(text);
      await page.getByRole('tab', { name: 'Details' }).click();
      await page.getByText('Checksum SHA256').waitFor();
      await page.getByRole('tab', { name: 'Tags' }).click();
      await page.getByRole('button', { name: 'Add' }).click();
      await page.getByLabel('Name of tags 1').fill('season');
      await page.getByLabel('Value of tags 1').fill('summer + sun');
      await page.getByRole('button', { name: 'Save tags' }).click();
      await page.getByText('Tags are saved').waitFor();
      await page.getByRole('tab', { name: 'Metadata' }).click();
      await page.getByRole('button', { name: 'Add' }).click();
      await page.getByLabel('Name of metadata 1').fill('colour');
      await page.getByLabel('Value of metadata 1').fill('terracotta');
      await page.getByRole('button', { name: 'Save metadata' }).click();
      await page.getByText('Metadata are saved').waitFor();
      const changed = await s3().send(new HeadObjectCommand({ Bucket: bucket, Key: 'hello +%20 & jar.txt' }));
      expect(changed).toMatchObject({ Metadata: { colour: 'terracotta' }, ContentType: 'text/plain', TagCount: 1 });

      await page.getByRole('button', { name: 'Share' }).click();
      await page.getByLabel('Expires in').selectOption('15 minutes');
      await expect.poll(() => page.getByLabel('Link', { exact: true }).inputValue()).toContain('X-Amz-Expires=900');
      const shared = await fetch(await page.getByLabel('Link', { exact: true }).inputValue());
      expect([shared.status, await shared.text()]).toEqual([200, text]);
      await page.keyboard.press('Escape');
      await page.keyboard.press('Escape');

      await page.getByRole('link', { name: 'dot.svg' }).click();
      const image = page.locator('img.preview-media');
      await expect.poll(() => image.evaluate((one: HTMLImageElement) => one.naturalWidth)).toBe(7);
      await page.keyboard.press('Escape');

      await page.getByLabel('Mark all on this page').check();
      await page.getByRole('button', { name: 'Delete 5 items' }).click();
      await page.getByRole('button', { name: 'Delete', exact: true }).click();
      await page.getByText('Nothing here yet').waitFor();
    },
    SLOW_MS * 2,
  );

  it(
    'browses folders, by pages of a thousand and by prefix, and deletes one with all in it',
    async () => {
      const bucket = await bucketOf();
      const put = (Key: string) => s3().send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'x' }));
      const keys = Array.from({ length: 1003 }, (_, at) => `deep/many/${String(at).padStart(4, '0')}`);
      for (let at = 0; at < keys.length; at += 50) await Promise.all(keys.slice(at, at + 50).map(put));
      const page = await loggedIn(`#/b/${bucket}/`);
      await page.getByRole('link', { name: 'deep/' }).click();
      await page.getByRole('link', { name: 'many/' }).click();
      await page.getByText('1,000 entries on page 1').waitFor();
      await page.getByRole('button', { name: 'Next' }).click();
      await page.getByText('3 entries on page 2').waitFor();
      await page.getByRole('button', { name: 'Previous' }).click();
      await page.getByText('1,000 entries on page 1').waitFor();
      await page.getByLabel('Show names that begin with').fill('000');
      await page.getByText('10 entries').waitFor();
      await page.getByRole('navigation', { name: 'Folders' }).getByRole('link', { name: bucket }).click();
      await page.getByLabel('Show names that begin with').fill('');
      await page.getByLabel('Mark deep/').check();
      await page.getByRole('button', { name: 'Delete 1 item' }).click();
      await page.getByRole('button', { name: 'Delete', exact: true }).click();
      await page.getByText('1,003 objects deleted').waitFor();
      await page.getByText('Nothing here yet').waitFor();
    },
    SLOW_MS,
  );

  it(
    'goes on after a failure with the parts that are missing, and leaves nothing when it is cancelled',
    async () => {
      const bucket = await bucketOf();
      const page = await loggedIn(`#/b/${bucket}/`);
      let broken = true;
      const asked: string[] = [];
      page.on('request', (request) => {
        const number = new URL(request.url()).searchParams.get('partNumber');
        if (request.method() === 'PUT' && number !== null) asked.push(number);
      });
      await page.route(/partNumber=2&/, (route) =>
        broken
          ? route.fulfill({ status: 400, body: '<Error><Code>BadDigest</Code><Message>no</Message></Error>' })
          : route.continue(),
      );
      await dropFiles(page, [{ name: 'again.bin', type: '', content: 24 * MIB }]);
      await page.getByText('1 upload failed').waitFor({ timeout: SLOW_MS });
      await page.getByText('BadDigest').waitFor();
      broken = false;
      const before = asked.length;
      await page.getByRole('button', { name: 'Retry again.bin' }).click();
      await page.getByText('1 file uploaded').waitFor({ timeout: SLOW_MS });
      expect(asked.slice(before)).toContain('2');
      expect((await contentOf(bucket, 'again.bin')).equals(patternBytes(24 * MIB))).toBe(true);

      await page.route(/partNumber=3&/, (route) => route.abort('connectionfailed'));
      await dropFiles(page, [{ name: 'never.bin', type: '', content: 24 * MIB }]);
      await page.getByRole('button', { name: 'Cancel never.bin' }).click();
      const left = async () => (await s3().send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads ?? [];
      await expect.poll(left, { timeout: SLOW_MS }).toEqual([]);
    },
    SLOW_MS * 2,
  );

  it('brings back old versions and deleted objects', async () => {
    const Bucket = await bucketOf();
    const VersioningConfiguration = { Status: 'Enabled' } as const;
    await s3().send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
    for (const Body of ['first', 'second']) await s3().send(new PutObjectCommand({ Bucket, Key: 'note.txt', Body }));
    const page = await loggedIn(`#/b/${Bucket}/`);
    await page.getByRole('link', { name: 'note.txt' }).click();
    await page.getByRole('tab', { name: 'Versions' }).click();
    await page.getByRole('button', { name: 'Restore' }).click();
    await page.getByText('The version is restored').waitFor();
    expect((await contentOf(Bucket, 'note.txt')).toString()).toBe('first');
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await page
      .getByRole('dialog', { name: 'Delete object' })
      .getByRole('button', { name: 'Delete', exact: true })
      .click();
    await page.getByText('note.txt is deleted').waitFor();
    await page.getByLabel('Show deleted').check();
    await page.getByRole('link', { name: 'note.txt' }).click();
    await page.getByText('This object is deleted').waitFor();
    await page.getByRole('button', { name: 'Restore' }).first().click();
    await page.getByText('The version is restored').waitFor();
    expect((await contentOf(Bucket, 'note.txt')).toString()).toBe('first');
  });

  it('edits policies: shows where JSON breaks, what the server refuses, and saves', async () => {
    const bucket = await bucketOf();
    const page = await loggedIn(`#/settings/${bucket}/policy`);
    const editor = page.getByRole('textbox', { name: 'Policy', exact: true });
    await editor.fill('{\n  "Version": "2012-10-17",\n  "Statement": [}\n}');
    await page.getByText('Line 3, column 17: a value is expected here').waitFor();
    expect(await page.getByRole('button', { name: 'Save policy' }).isDisabled()).toBe(true);
    await editor.fill('{"Version": "2012-10-17", "Statement": [{"Effect": "Maybe"}]}');
    await page.getByRole('button', { name: 'Save policy' }).click();
    await page.getByRole('alert').getByText('MalformedPolicy').waitFor();
    await page.getByRole('button', { name: 'Everybody may read objects' }).click();
    await page.getByRole('button', { name: 'Save policy' }).click();
    await page.getByText('The policy is saved').waitFor();
    const { Policy = '' } = await s3().send(new GetBucketPolicyCommand({ Bucket: bucket }));
    expect(JSON.parse(Policy)).toMatchObject({ Statement: [{ Sid: 'PublicRead' }] });
    await s3().send(new PutObjectCommand({ Bucket: bucket, Key: 'open', Body: 'to all' }));
    await expect.poll(async () => (await fetch(`${wire.server.url}/${bucket}/open`)).status).toBe(200);
  });

  it('keeps the other settings of a bucket', async () => {
    const bucket = await bucketOf();
    const page = await loggedIn(`#/settings/${bucket}/lifecycle`);
    const saveAndReload = async (said: string, button = 'Save'): Promise<void> => {
      await page.getByRole('button', { name: button, exact: true }).click();
      await page.getByText(said).waitFor();
      await page.reload();
      await page.getByRole('heading', { name: 'Settings' }).waitFor();
    };
    await page.getByRole('button', { name: 'Add rule' }).click();
    await page.getByLabel('Name').fill('old logs');
    await page.getByLabel('Keys that begin with').fill('logs/');
    await page.getByLabel('Delete after (days)').fill('30');
    await page.getByLabel('Unfinished uploads after (days)').fill('7');
    await saveAndReload('The rules are saved');
    await page.getByText('deletes after 30 days, ends unfinished uploads after 7 days').waitFor();
    expect(await page.getByLabel('Keys that begin with').inputValue()).toBe('logs/');
    await visit(page, wire.server.url, `#/settings/${bucket}/cors`);
    await page.getByRole('button', { name: 'Add rule' }).click();
    await page.getByLabel('Origins').fill('https://a.example, https://b.example');
    await saveAndReload('The CORS rules are saved');
    await expect.poll(() => page.getByLabel('Origins').inputValue()).toBe('https://a.example, https://b.example');
    await visit(page, wire.server.url, `#/settings/${bucket}/encryption`);
    await page.getByLabel('New objects are encrypted').selectOption('AES256');
    await saveAndReload('Encryption is saved');
    await expect.poll(() => page.getByLabel('New objects are encrypted').inputValue()).toBe('AES256');
    await visit(page, wire.server.url, `#/settings/${bucket}/website`);
    await page.getByLabel('Serve this bucket').check();
    await page.getByLabel('Error document').fill('404.html');
    await saveAndReload('The website is saved');
    await expect.poll(() => page.getByLabel('Error document').inputValue()).toBe('404.html');
    for (const [number, prefix, beginning] of [
      [1, 'docs/', 'documents/'],
      [2, 'old/', ''],
    ] as const) {
      await page.getByRole('button', { name: 'Add rule' }).click();
      const rule = page.getByRole('group', { name: `Rule ${number}` });
      await rule.getByLabel('Paths that begin with').fill(prefix);
      await rule.getByLabel('New beginning').fill(beginning);
    }
    const last = page.getByRole('group', { name: 'Rule 2' });
    await last.getByLabel('Only on the error').fill('404');
    await last.getByLabel('To the protocol').selectOption('https');
    await last.getByLabel('To the host').fill('archive.example.com');
    await last.getByLabel('Redirect with status').fill('302');
    await saveAndReload('The website is saved');
    await page.getByText('sends /old/… with status 404 to archive.example.com/…').waitFor();
    await page.getByRole('button', { name: 'Remove rule 1' }).click();
    await saveAndReload('The website is saved');
    await expect.poll(() => page.getByLabel('Paths that begin with').inputValue()).toBe('old/');
    const { RoutingRules } = await s3().send(new GetBucketWebsiteCommand({ Bucket: bucket }));
    expect(RoutingRules).toEqual([
      {
        Condition: { KeyPrefixEquals: 'old/', HttpErrorCodeReturnedEquals: '404' },
        Redirect: {
          Protocol: 'https',
          HostName: 'archive.example.com',
          ReplaceKeyPrefixWith: '',
          HttpRedirectCode: '302',
        },
      },
    ]);
    await visit(page, wire.server.url, `#/settings/${bucket}/public`);
    await page.getByLabel('Block all public access').check();
    await saveAndReload('Public access is saved');
    await expect.poll(() => page.getByLabel('Refuse new public policies').isChecked()).toBe(true);
    await visit(page, wire.server.url, `#/settings/${bucket}/quota`);
    await page.getByLabel('Size').fill('1.5 GiB');
    await saveAndReload('The quota is saved', 'Save quota');
    await expect.poll(() => page.getByLabel('Size', { exact: true }).inputValue()).toBe('1536 MiB');
    await visit(page, wire.server.url, `#/settings/${bucket}/versioning`);
    await page.getByLabel('Keep versions').check();
    await page.getByText('Versions are kept from now on').waitFor();
  });

  it('uploads a folder that is dropped, with all that is in it', async () => {
    const bucket = await bucketOf();
    const page = await loggedIn(`#/b/${bucket}/`);
    await page.getByRole('heading', { name: bucket, level: 1 }).waitFor();
    const folder = await mkdtemp(path.join(os.tmpdir(), 'pithos-drop-'));
    try {
      // More than the hundred entries that a browser reads of a folder at once.
      const names = ['top.txt', 'deep/er/one.txt', ...Array.from({ length: 120 }, (_, index) => `many/${index}.txt`)];
      for (const name of names) {
        await mkdir(path.dirname(path.join(folder, 'trip', name)), { recursive: true });
        await writeFile(path.join(folder, 'trip', name), name);
      }
      await dropFolder(page, path.join(folder, 'trip'));
      await page.getByText(`${names.length} files uploaded`).waitFor({ timeout: SLOW_MS });
      const { Contents = [] } = await s3().send(new ListObjectsV2Command({ Bucket: bucket }));
      expect(Contents.map(({ Key }) => Key).sort()).toEqual(names.map((name) => `trip/${name}`).sort());
      expect((await contentOf(bucket, 'trip/deep/er/one.txt')).toString()).toBe('deep/er/one.txt');
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('makes a user and a key with which the user logs in', async () => {
    const bucket = await bucketOf();
    const user = bucketName('user');
    const page = await loggedIn('#/users');
    await page.getByRole('button', { name: 'Create user' }).click();
    await page.getByLabel('Name').fill(user);
    await page.getByRole('button', { name: 'Create', exact: true }).click();
    await page.getByRole('button', { name: 'Create key' }).click();
    const accessKeyId = await page.getByLabel('Access key', { exact: true }).inputValue();
    const secretAccessKey = await page.getByLabel('Secret key', { exact: true }).inputValue();
    await page.getByRole('button', { name: 'I have copied both' }).click();
    await page.getByText(accessKeyId).waitFor();
    expect(await page.content()).not.toContain(secretAccessKey);

    const other = await fresh();
    await logIn(other, wire.server.url, { accessKeyId, secretAccessKey });
    await other.getByRole('alert').getByText('AccessDenied').waitFor();
    await page.getByRole('button', { name: 'Write a policy' }).click();
    await page.getByRole('textbox', { name: 'Policy', exact: true }).fill(allowing(bucket));
    await page.getByRole('button', { name: 'Save policy' }).click();
    await page.getByText('of this user alone').waitFor();
    await expect
      .poll(
        async () => {
          await visit(other, wire.server.url, `#/b/${bucket}/`);
          await other.reload();
          await other.getByText(/Nothing here yet|AccessDenied/).waitFor();
          return other.getByText('Nothing here yet').count();
        },
        { timeout: 60_000 },
      )
      .toBe(1);
    await visit(other, wire.server.url, '#/status');
    await other.getByText('For operators').waitFor();

    await page.getByRole('button', { name: 'Deactivate' }).click();
    await page.getByText('The key is switched off').waitFor();
    await page.getByRole('button', { name: `Delete key ${accessKeyId}` }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete key' }).click();
    await page.getByText('No keys yet').waitFor();
  });

  it('shows the server, its throughput and where the data are', async () => {
    const page = await loggedIn('#/status');
    await page.getByRole('img', { name: /^Requests per second\. all: now/ }).waitFor();
    await page.getByRole('img', { name: /^Bytes per second\. received: now/ }).waitFor();
    await page.getByRole('region', { name: wire.store === 'embedded' ? 'Disks' : 'Ring' }).waitFor();
    expect(await page.getByText('NaN').count()).toBe(0);
  });

  it('does not let pages from buckets near the keys', async () => {
    const Bucket = await bucketOf();
    const Body =
      '<script>document.title = origin; try { sessionStorage.x = 1 } catch (e) { document.title += e.name }</script>';
    await s3().send(new PutObjectCommand({ Bucket, Key: 'evil.html', Body, ContentType: 'text/html' }));
    const page = await loggedIn(`#/b/${Bucket}/`);
    await page.getByRole('link', { name: 'evil.html' }).click();
    await expect.poll(() => page.locator('pre').textContent()).toBe(Body);
    await page.getByRole('button', { name: 'Share' }).click();
    const link = page.getByLabel('Link', { exact: true });
    await expect.poll(() => link.inputValue()).toContain('X-Amz-Signature');
    await page.goto(await link.inputValue());
    await expect.poll(() => page.title()).toBe('nullSecurityError');
  });

  describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
    it('can be read by everybody, on a phone too', async () => {
      const bucket = await bucketOf();
      await s3().send(
        new PutObjectCommand({ Bucket: bucket, Key: 'a/b.txt', Body: 'text', ContentType: 'text/plain' }),
      );
      await s3().send(new PutObjectCommand({ Bucket: bucket, Key: 'c.txt', Body: 'text', ContentType: 'text/plain' }));
      const axe = axeSource();
      for (const viewport of [
        { width: 1280, height: 800 },
        { width: 360, height: 740 },
      ]) {
        const page = await fresh({ colorScheme, viewport });
        const check = async (): Promise<void> => {
          const found = [...(await ownFindings(page)), ...(axe === null ? [] : await axeFindings(page, axe))];
          expect(found, page.url()).toEqual([]);
          const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          expect(overflow, `${page.url()} is wider than the window`).toBeLessThanOrEqual(0);
        };
        await page.goto(`${wire.server.url}/-/console/`);
        await page.getByLabel('Access key').waitFor();
        await check();
        await logIn(page, wire.server.url, MASTER_KEY);
        await page.getByRole('heading', { name: 'Buckets', level: 1 }).waitFor();
        await page.getByRole('link', { name: bucket, exact: true }).waitFor();
        await check();
        for (const [hash, sign] of [
          [`#/b/${bucket}/`, 'c.txt'],
          [`#/b/${bucket}/?object=c.txt`, 'text'],
          ...['versioning', 'policy', 'public', 'lifecycle', 'encryption', 'cors', 'website', 'tags', 'quota'].map(
            (section) => [`#/settings/${bucket}/${section}`, 'Settings'] as const,
          ),
          ['#/users', 'Users & keys'],
          ['#/status', 'Requests per second'],
        ] as const) {
          await visit(page, wire.server.url, hash);
          await page.getByText(sign, { exact: true }).first().waitFor();
          await page.getByText('Loading').first().waitFor({ state: 'detached' });
          await check();
        }
      }
    });
  });

  it('belongs to whoever logs in: others see their own', async () => {
    const page = await fresh();
    await logIn(page, wire.server.url, USER_KEY);
    await page.getByText(USER_KEY.tenant).waitFor();
    await visit(page, wire.server.url, '#/status');
    await page.getByText('For operators').waitFor();
  });
});

const DOT = '<svg xmlns="http://www.w3.org/2000/svg" width="7" height="7"><circle cx="3" cy="3" r="3"/></svg>';

function allowing(bucket: string): string {
  const Resource = [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`];
  return JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:*', Resource }] });
}
