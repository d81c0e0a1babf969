// A real Chromium on the gateway's console: pages that tell what went wrong in them, and what users do there.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import type { Credentials } from '../../support/server.js';
import { ensureChromium } from '../tools.js';

const TIMEOUT_MS = 30_000;

export async function launchChromium(): Promise<Browser> {
  const executablePath = onPath(await ensureChromium());
  // Chromium's own sandbox needs privileges that containers do not have; the pages are ours.
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

/** The whole path of a command, which is all that Playwright takes. */
function onPath(command: string): string {
  if (path.isAbsolute(command)) return command;
  const folders = (process.env['PATH'] ?? '').split(path.delimiter);
  return folders.map((folder) => path.join(folder, command)).find((file) => existsSync(file)) ?? command;
}

export interface ConsolePage {
  readonly context: BrowserContext;
  readonly page: Page;
  /** Errors of the page's scripts and console, violations of its policy among them. */
  readonly faults: string[];
}

/** A browser of its own, as it were: nothing is shared with other pages. */
export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<ConsolePage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(TIMEOUT_MS);
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.stack ?? error.message));
  page.on('console', (message) => {
    // Chromium reports answers of 400 and more so; that a bucket has no policy, say, is such an answer.
    if (message.type() === 'error' && !/^Failed to load resource/.test(message.text())) faults.push(message.text());
  });
  return { context, page, faults };
}

type Keys = Pick<Credentials, 'accessKeyId' | 'secretAccessKey'>;

export async function logIn(page: Page, url: string, keys: Keys): Promise<void> {
  await page.goto(`${url}/-/console/`);
  await page.getByLabel('Access key').fill(keys.accessKeyId);
  await page.getByLabel('Secret key').fill(keys.secretAccessKey);
  await page.getByRole('button', { name: 'Log in' }).click();
}

/** Goes to a page of the console. @param hash such as '#/users' */
export async function visit(page: Page, url: string, hash: string): Promise<void> {
  await page.goto(`${url}/-/console/${hash}`);
}

export interface DroppedFile {
  readonly name: string;
  readonly type: string;
  /** text, or so many bytes of patternBytes */
  readonly content: string | number;
}

/** Drops files on the folder that is shown, as the browser does it for the user. */
export async function dropFiles(page: Page, files: readonly DroppedFile[]): Promise<void> {
  await page.evaluate((dropped) => {
    const transfer = new DataTransfer();
    for (const { name, type, content } of dropped) {
      const data =
        typeof content === 'string' ? content : new Uint8Array(content).map((_, at) => (at * 31 + (at >> 8)) & 255);
      transfer.items.add(new File([data], name, { type }));
    }
    const zone = document.querySelector('[data-testid=drop-zone]');
    for (const type of ['dragenter', 'dragover', 'drop'])
      zone?.dispatchEvent(new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }));
  }, files);
}

/** Drags a folder of the disk in from outside the browser, and drops it on the folder that is shown. */
export async function dropFolder(page: Page, folder: string): Promise<void> {
  const zone = await page.getByTestId('drop-zone').boundingBox();
  if (zone === null) throw new Error('nothing to drop on is shown');
  const session = await page.context().newCDPSession(page);
  const data = { items: [], files: [folder], dragOperationsMask: 1 };
  const at = { x: zone.x + zone.width / 2, y: zone.y + Math.min(zone.height, 200) / 2, data };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
    await session.send('Input.dispatchDragEvent', { type, ...at });
  await session.detach();
}

/** What dropFiles makes of a number. */
export function patternBytes(sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  for (let at = 0; at < sizeBytes; at++) bytes[at] = (at * 31 + (at >> 8)) & 255;
  return bytes;
}

/** axe-core, where it is installed; null otherwise. */
export function axeSource(): string | null {
  try {
    return readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  } catch {
    return null;
  }
}

/** What axe finds wrong with what is shown, by WCAG 2.2 A and AA. */
export async function axeFindings(page: Page, source: string): Promise<string[]> {
  await page.evaluate(source);
  return page.evaluate(async () => {
    interface Axe {
      run(
        root: Document,
        options: object,
      ): Promise<{ violations: { id: string; nodes: { html: string; failureSummary?: string }[] }[] }>;
    }
    const { axe } = globalThis as unknown as { axe: Axe };
    const runOnly = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
    const { violations } = await axe.run(document, { runOnly });
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary ?? ''}`),
    );
  });
}

/**
 * What any page must have: a name for every control and image, one h1, a landmark, and text that stands out from its ground by 4.5:1
 * (3:1 when large). Answers what does not.
 */
export function ownFindings(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const shown = (element: Element): boolean => element.getClientRects().length > 0;
    const top = [...document.querySelectorAll('dialog[open]')].at(-1) ?? document.body;
    const all = (selector: string): HTMLElement[] => [...top.querySelectorAll<HTMLElement>(selector)].filter(shown);
    const findings: string[] = [];
    for (const control of all('button, a, input, select, textarea, iframe, [role=img]')) {
      const labels = 'labels' in control ? [...((control as HTMLInputElement).labels ?? [])] : [];
      const named =
        control.getAttribute('aria-label') ??
        control.getAttribute('title') ??
        `${control.textContent}${labels.map((label) => label.textContent).join('')}`;
      if (named.trim() === '') findings.push(`no name: ${control.outerHTML.slice(0, 120)}`);
    }
    for (const image of all('img')) if (!image.hasAttribute('alt')) findings.push(`no alt: ${image.outerHTML}`);
    if (document.querySelectorAll('h1').length !== 1) findings.push('not one h1');
    if (document.querySelectorAll('main').length !== 1) findings.push('not one main');

    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const paint = (colours: readonly string[]): number[] => {
      if (canvas === null) throw new Error('no canvas');
      for (const colour of ['#fff', ...colours]) {
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
      }
      return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const luminance = (rgb: readonly number[]): number => {
      const [r = 0, g = 0, b = 0] = rgb.map((value) => {
        const part = value / 255;
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const groundsOf = (element: Element | null): string[] =>
      element === null ? [] : [...groundsOf(element.parentElement), getComputedStyle(element).backgroundColor];
    for (const element of all('*')) {
      const text = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent?.trim() !== '');
      if (!text || element.closest(':disabled, [aria-hidden=true], .unseen, .skip') !== null) continue;
      const { color, fontSize, fontWeight } = getComputedStyle(element);
      const grounds = groundsOf(element);
      const [a, b] = [luminance(paint([...grounds, color])), luminance(paint(grounds))];
      const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      const large = parseFloat(fontSize) >= 24 || (parseFloat(fontSize) >= 18.66 && Number(fontWeight) >= 700);
      if (ratio < (large ? 3 : 4.5)) findings.push(`contrast ${ratio.toFixed(2)}: ${element.outerHTML.slice(0, 120)}`);
    }
    return findings;
  });
}
