// Load over HTTP with autocannon: every request is signed by itself.
import http from 'node:http';
import { randomBytes } from 'node:crypto';
import autocannon from 'autocannon';
import { inFlight } from './flight.mjs';
import { ask, signed } from './signing.mjs';
import { costOf } from './processes.mjs';

/** Keys that reads and overwrites go round, fewer of large objects. */
export const keysOf = (size) => Math.min(1000, Math.max(4, Math.floor((256 * 1024 * 1024) / Math.max(1, size))));

/** From here on bodies count more than requests. */
const LARGE_BYTES = 256 * 1024;

const METHODS = { put: 'PUT', get: 'GET', head: 'HEAD', list: 'GET', delete: 'DELETE' };

/** Writes the objects that reads of a size need. */
export async function fill({ url, bucket, size }) {
  const count = keysOf(size);
  const body = randomBytes(size);
  for (let i = 0; i < count; i += 32) {
    const batch = Array.from({ length: Math.min(32, count - i) }, (_, j) =>
      ask(url, 'PUT', `/${bucket}/${size}/${i + j}`, { body }),
    );
    await Promise.all(batch);
  }
}

/**
 * One operation under load for some seconds; 'mixed' is five reads, two writes and a deletion in turn.
 */
export async function measure({ url, pid, bucket, operation, size, connections, seconds }) {
  const { host } = new URL(url);
  const body = randomBytes(size ?? 0);
  const keys = keysOf(size ?? 0);
  const query = operation === 'list' ? 'list-type=2' : '';
  let count = 0;
  const next = () => {
    const i = count++;
    const one = operation === 'mixed' ? ['get', 'get', 'put', 'get', 'put', 'get', 'get', 'delete'][i % 8] : operation;
    const method = METHODS[one];
    const requestPath =
      one === 'list' ? `/${bucket}` : one === 'delete' ? `/${bucket}/gone/${i}` : `/${bucket}/${size}/${i % keys}`;
    return { method, requestPath, body: method === 'PUT' ? body : undefined };
  };
  const load = { url, host, connections, seconds, next, query };
  // autocannon waits for the body that a HEAD's Content-Length speaks of, and joins bodies, which makes it slower than the server
  // where they are large.
  const byNode = operation === 'head' || (size ?? 0) >= LARGE_BYTES;
  const before = costOf(pid);
  const result = await (byNode ? nodeLoad(load) : cannonade(load));
  const after = costOf(pid);
  const { done, elapsedSeconds, p50Ms, p99Ms, failed } = result;
  const perSecond = done / elapsedSeconds;
  return {
    perSecond,
    mibPerSecond: (perSecond * (operation === 'put' || operation === 'get' ? (size ?? 0) : 0)) / 1024 / 1024,
    p50Ms,
    p99Ms,
    failed,
    cpuMsPerOperation: done === 0 ? null : ((after.cpuSeconds - before.cpuSeconds) * 1000) / done,
    peakRssMib: after.peakRssMib,
  };
}

async function cannonade({ url, host, connections, seconds, next, query }) {
  const result = await autocannon({
    url,
    connections,
    duration: seconds,
    timeout: 60,
    requests: [
      {
        setupRequest: (request) => {
          const { method, requestPath, body: sent } = next();
          const path = query === '' ? requestPath : `${requestPath}?${query}`;
          const headers = { ...request.headers, ...signed(method, host, requestPath, query) };
          return { ...request, method, path, headers, body: sent };
        },
      },
    ],
  });
  return {
    done: result.requests.total,
    elapsedSeconds: result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    failed: result.non2xx + result.errors + result.timeouts,
  };
}

/** The same by Node's own client, which discards what comes. */
async function nodeLoad({ url, host, connections, seconds, next, query }) {
  const { hostname, port } = new URL(url);
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections });
  let failed = 0;
  const task = () =>
    new Promise((resolve) => {
      const { method, requestPath, body } = next();
      const path = query === '' ? requestPath : `${requestPath}?${query}`;
      const headers = { ...signed(method, host, requestPath, query), 'content-length': body?.length ?? 0 };
      const request = http.request({ agent, hostname, port, method, path, headers }, (response) => {
        if (response.statusCode >= 300) failed++;
        response.resume();
        response.on('close', resolve);
      });
      request.on('error', () => {
        failed++;
        resolve();
      });
      request.end(body);
    });
  const { done, elapsedSeconds, p50Ms, p99Ms } = await inFlight({ width: connections, seconds, task });
  agent.destroy();
  return { done, elapsedSeconds, p50Ms, p99Ms, failed };
}

/** Milliseconds from the request to the first byte of the body, one request after another; median. */
export async function firstByteMs({ url, bucket, size, count = 40 }) {
  const { host, hostname, port } = new URL(url);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const times = [];
  for (let i = 0; i < count; i++) {
    const requestPath = `/${bucket}/${size}/${i % keysOf(size)}`;
    const options = { agent, hostname, port, path: requestPath, headers: signed('GET', host, requestPath) };
    const beganMs = performance.now();
    times.push(
      await new Promise((resolve, reject) => {
        const request = http.get(options, (response) => {
          let firstMs = null;
          response.on('data', () => (firstMs ??= performance.now() - beganMs));
          response.on('end', () => resolve(firstMs));
        });
        request.on('error', reject);
      }),
    );
  }
  agent.destroy();
  return times.sort((a, b) => a - b)[Math.floor(count / 2)];
}

/** A multipart upload of some MiB in parts of 16 MiB, four at once, then read back in one GET; MiB per second. */
export async function multipart({ url, bucket, mib }) {
  const part = randomBytes(16 * 1024 * 1024);
  const parts = Math.ceil(mib / 16);
  const requestPath = `/${bucket}/multipart`;
  const beganMs = performance.now();
  const { text } = await ask(url, 'POST', requestPath, { query: 'uploads=' });
  const [, uploadId] = /<UploadId>([^<]+)</.exec(text);
  const etags = [];
  let nextPart = 1;
  const worker = async () => {
    while (nextPart <= parts) {
      const number = nextPart++;
      const query = `partNumber=${number}&uploadId=${encodeURIComponent(uploadId)}`;
      const { headers } = await ask(url, 'PUT', requestPath, { body: part, query });
      etags[number - 1] = headers.get('etag');
    }
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
  const listed = etags.map((etag, i) => `<Part><PartNumber>${i + 1}</PartNumber><ETag>${etag}</ETag></Part>`).join('');
  await ask(url, 'POST', requestPath, {
    body: `<CompleteMultipartUpload>${listed}</CompleteMultipartUpload>`,
    query: `uploadId=${encodeURIComponent(uploadId)}`,
  });
  const uploadedMs = performance.now();
  const { host } = new URL(url);
  const response = await fetch(`${url}${requestPath}`, { headers: signed('GET', host, requestPath) });
  let bytes = 0;
  for await (const chunk of response.body) bytes += chunk.length;
  const readMs = performance.now();
  if (bytes !== parts * part.length) throw new Error(`${bytes} bytes came back`);
  const size = bytes / 1024 / 1024;
  return {
    mib: size,
    uploadMibPerSecond: (size * 1000) / (uploadedMs - beganMs),
    readMibPerSecond: (size * 1000) / (readMs - uploadedMs),
  };
}
