// The code blocks of a documentation page, and the commands in them, for tests that do what the pages say.

export interface Block {
  /** Heading of the `##` section that it is in; '' above the first. */
  readonly section: string;
  /** First word of the fence: `sh`, `yaml`, ...; '' when there is none. */
  readonly language: string;
  /** What it asks for beside the usual tools: the word behind the language. */
  readonly needs: string;
  /** Without the indentation of the list item that it is in. */
  readonly text: string;
  /** Of its fence, from 1. */
  readonly line: number;
}

const FENCE = /^( *)```([\w-]*)(?: (\w+))?$/;
/** Four spaces after an empty line are code, unless they go on in a list item. */
const INDENTED = /^ {4}\S/;

/** All fenced blocks of a page, in order. @throws Error where a fence is not ended, or is written in another way */
export function blocksOf(page: string): Block[] {
  const lines = page.split('\n');
  const blocks: Block[] = [];
  let section = '';
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? '';
    section = /^## (.*)$/.exec(line)?.[1] ?? section;
    if (!line.trimStart().startsWith('```')) continue;
    const fence = FENCE.exec(line);
    if (fence === null) throw new Error(`line ${index + 1} is no fence that the tests know: ${line}`);
    const [, indent = '', language = '', needs = ''] = fence;
    const end = lines.indexOf(`${indent}\`\`\``, index + 1);
    if (end < 0) throw new Error(`the block of line ${index + 1} does not end`);
    const text = lines.slice(index + 1, end).map((one) => `${one.replace(new RegExp(`^ {0,${indent.length}}`), '')}\n`);
    blocks.push({ section, language, needs, text: text.join(''), line: index + 1 });
    index = end;
  }
  return blocks;
}

/** Lines (from 1) where code begins that is set off by indentation alone, so that nobody knows what language it is. */
export function indentedCode(page: string): number[] {
  const lines = page.split('\n');
  const found: number[] = [];
  let fenced = false;
  let inList = false;
  lines.forEach((line, index) => {
    if (line.trimStart().startsWith('```')) fenced = !fenced;
    if (fenced) return;
    if (/^(\d+\.|[-*]) /.test(line)) inList = true;
    else if (/^\S/.test(line)) inList = false;
    // Behind a heading it needs no empty line.
    const opens = index === 0 || /^(#.*)?$/.test(lines[index - 1] ?? '');
    if (opens && !inList && INDENTED.test(line)) found.push(index + 1);
  });
  return found;
}

/** Commands, each with the lines that it goes on in. */
export function commandsIn(scripts: readonly string[]): string[] {
  return scripts
    .flatMap((script) => script.replaceAll(/\\\n\s*/g, '').split('\n'))
    .filter((line) => line.trim() !== '' && !line.trimStart().startsWith('#'));
}
