// The most that HTTP on Node gives: a server that takes the MD5 of what it is sent and discards it, and answers reads from memory.
// No signatures, no store. Paths are `/bucket/BYTES/key`; a query means a listing, answered with a page of the usual size.
//
//   node bench/ceilings/bare-server.mjs PORT WORKERS
import cluster from 'node:cluster';
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';

const [port, workers] = process.argv.slice(2).map(Number);
/** About what a page of 1,000 keys has. */
const PAGE = Buffer.alloc(270_000, 'x');

if (cluster.isPrimary && workers > 1) {
  for (let i = 0; i < workers; i++) cluster.fork();
  process.once('SIGTERM', () => {
    for (const worker of Object.values(cluster.workers)) worker.process.kill('SIGTERM');
  });
} else {
  const bodies = new Map();
  const bodyOf = (url) => {
    const size = Number(url.split('/')[2]) || 0;
    if (!bodies.has(size)) bodies.set(size, randomBytes(size));
    return bodies.get(size);
  };
  const server = createServer((request, response) => {
    const { method, url } = request;
    if (method === 'PUT' || method === 'POST') {
      const md5 = createHash('md5');
      request.on('data', (chunk) => md5.update(chunk));
      request.on('end', () => {
        response.setHeader('etag', `"${md5.digest('hex')}"`);
        response.end();
      });
      return;
    }
    request.resume();
    if (method === 'DELETE') {
      response.statusCode = 204;
      response.end();
      return;
    }
    const body = url.includes('?') ? PAGE : bodyOf(url);
    response.setHeader('content-length', body.length);
    response.end(method === 'HEAD' ? undefined : body);
  });
  server.listen(port, '127.0.0.1');
  process.once('SIGTERM', () => process.exit(0));
}
