// Builds the console into dist/console/ui, where src/console/assets.ts reads it.
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

export default defineConfig({
  // The page is served from one folder; names in it are relative to it.
  base: './',
  build: {
    outDir: fileURLToPath(new URL('../../../dist/console/ui', import.meta.url)),
    emptyOutDir: true,
    target: 'es2022',
    // A data: URL would need a hole in the page's policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  logLevel: 'warn',
});
