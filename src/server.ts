#!/usr/bin/env node
/** Entry of the process: `node dist/server`. */
import { main } from './main.js';

process.on('uncaughtException', (error) => {
  process.stderr.write(`pithos: uncaught: ${error.stack ?? error.message}\n`);
  process.exit(70);
});

const code = await main(process.argv.slice(2), process.env);
if (code !== null) process.exitCode = code;
