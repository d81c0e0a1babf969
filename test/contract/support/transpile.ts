/** Makes the stores runnable by plain node processes: types stripped, folders kept, under .cache of the repository. */
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));
const FOLDERS = ['src/store', 'src/store/shared', 'src/store/embedded', 'test/contract/support'];

export interface Transpiled {
  /** Where the file of the repository has been put. */
  path(file: string): string;
  remove(): Promise<void>;
}

export async function transpileStores(): Promise<Transpiled> {
  const cache = join(REPOSITORY, '.cache');
  await mkdir(cache, { recursive: true });
  const root = await mkdtemp(join(cache, 'transpiled-'));
  for (const folder of FOLDERS) {
    const names = (await readdir(join(REPOSITORY, folder))).filter((name) => name.endsWith('.ts'));
    for (const name of names) {
      const { outputText } = ts.transpileModule(await readFile(join(REPOSITORY, folder, name), 'utf8'), {
        compilerOptions: {
          target: ts.ScriptTarget.ES2023,
          module: ts.ModuleKind.ESNext,
          verbatimModuleSyntax: true,
        },
      });
      const target = join(root, folder, name.replace(/\.ts$/, '.js'));
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, outputText);
    }
  }
  return {
    path: (file) => join(root, file.replace(/\.ts$/, '.js')),
    remove: () => rm(root, { recursive: true, force: true }),
  };
}
