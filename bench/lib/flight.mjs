// Tasks with a fixed number in flight for a fixed time: how the raw stores are loaded.

/** @returns operations per second and latencies */
export async function inFlight({ width, seconds, task }) {
  const latencies = [];
  const startedMs = performance.now();
  const endMs = startedMs + seconds * 1000;
  let count = 0;
  const worker = async () => {
    while (performance.now() < endMs) {
      const beganMs = performance.now();
      await task(count++);
      latencies.push(performance.now() - beganMs);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  latencies.sort((a, b) => a - b);
  const at = (share) => Math.round(latencies[Math.floor(latencies.length * share)] * 100) / 100;
  const elapsedSeconds = (performance.now() - startedMs) / 1000;
  const done = latencies.length;
  return { done, elapsedSeconds, perSecond: done / elapsedSeconds, p50Ms: at(0.5), p99Ms: at(0.99) };
}
