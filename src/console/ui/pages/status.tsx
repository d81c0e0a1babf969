/** What the server does at the moment and where its data lies, asked again every few seconds. */
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { getRing, getServer } from '../api/admin.js';
import type { OperationSeries, RingReport, ServerReport } from '../api/admin.js';
import { useLoad } from '../context.js';
import { ApiError } from '../lib/errors.js';
import { formatBytes, formatDuration } from '../lib/format.js';
import { Badge, Empty, Load } from '../parts/basics.js';
import { Chart } from '../parts/chart.js';

const REFRESH_MS = 5_000;

export function StatusPage(): JSX.Element {
  const loaded = useLoad('status', async (client, signal) => {
    try {
      return { server: await getServer(client, signal), ring: await getRing(client, signal) };
    } catch (error) {
      if (error instanceof ApiError && error.code === 'AccessDenied') return 'denied' as const;
      throw error;
    }
  });
  const denied = loaded.data === 'denied';
  useEffect(() => {
    // A server that takes longer than that is not asked again before it has answered.
    if (denied || loaded.loading) return;
    const timer = setInterval(() => {
      if (!document.hidden) loaded.reload();
    }, REFRESH_MS);
    return () => clearInterval(timer);
  }, [denied, loaded.loading, loaded.reload]);
  return (
    <>
      <header class="page-head">
        <h1>Status</h1>
      </header>
      <Load from={loaded} what="the status">
        {(status) =>
          status === 'denied' ? (
            <Empty icon="lock" title="For operators">
              <p class="faint">Your key may not see the state of the server. Log in with a key of an operator.</p>
            </Empty>
          ) : (
            <div class="stack">
              <Facts server={status.server} />
              <Throughput report={status.server} />
              <Ring ring={status.ring} />
            </div>
          )
        }
      </Load>
    </>
  );
}

function Facts({ server }: { readonly server: ServerReport }): JSX.Element {
  const facts = [
    ['Version', server.version],
    ['Up for', formatDuration(server.uptimeSeconds)],
    ['Store', server.store],
    ['Workers', `${server.workers.answering} of ${server.workers.configured}`],
    ['Region', server.defaultRegion],
  ] as const;
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name} class="card">
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

type Series = 'requests' | 'failures' | 'receivedBytes' | 'sentBytes';

function Throughput({ report }: { readonly report: ServerReport }): JSX.Element {
  const { intervalSeconds, from, operations } = report.throughput;
  const perSecond = (name: Series): number[] => sumOf(operations, name).map((count) => count / intervalSeconds);
  const common = { intervalSeconds, fromMs: Date.parse(from) };
  const busiest = [...operations].sort((a, b) => total(b) - total(a)).slice(0, 8);
  return (
    <div class="charts">
      <Chart
        {...common}
        title="Requests per second"
        lines={[
          { name: 'all', values: perSecond('requests'), kind: 'first' },
          { name: 'failed', values: perSecond('failures'), kind: 'bad' },
        ]}
        format={(value) => value.toLocaleString(undefined, { maximumFractionDigits: 1 })}
      />
      <Chart
        {...common}
        title="Bytes per second"
        lines={[
          { name: 'received', values: perSecond('receivedBytes'), kind: 'first' },
          { name: 'sent', values: perSecond('sentBytes'), kind: 'second' },
        ]}
        format={(value) => formatBytes(value)}
      />
      <section class="card pad" aria-label="Operations">
        <h2>Operations of the last minutes</h2>
        {busiest.length === 0 ? (
          <p class="faint">Nothing yet.</p>
        ) : (
          <ul class="bars">
            {busiest.map((operation) => (
              <li key={operation.name}>
                <span>{operation.name}</span>
                <meter min={0} max={total(busiest[0])} value={total(operation)} aria-label={operation.name} />
                <span class="number">{total(operation).toLocaleString()}</span>
              </li>
            ))}
          </ul>
        )}
      </section>
    </div>
  );
}

function sumOf(operations: readonly OperationSeries[], name: Series): number[] {
  const length = Math.max(0, ...operations.map((operation) => operation[name].length));
  return Array.from({ length }, (_, at) => operations.reduce((sum, operation) => sum + (operation[name][at] ?? 0), 0));
}

function total(operation: OperationSeries | undefined): number {
  return operation?.requests.reduce((sum, count) => sum + count, 0) ?? 0;
}

function Ring({ ring }: { readonly ring: RingReport }): JSX.Element {
  if (ring.kind === 'embedded')
    return (
      <section class="card pad" aria-label="Disks">
        <h2>Disks</h2>
        <p class="faint">The embedded store keeps its data on this machine.</p>
        <ul class="bars wide">
          {ring.volumes.map(({ path, holds, totalBytes, freeBytes }) => (
            <li key={path + holds}>
              <span class="breakable">{holds}</span>
              <meter
                min={0}
                max={Math.max(totalBytes, 1)}
                low={totalBytes * 0.75}
                high={totalBytes * 0.9}
                optimum={0}
                value={totalBytes - freeBytes}
                aria-label={`${holds}: space used`}
              />
              <span class="number">
                {formatBytes(freeBytes)} of {formatBytes(totalBytes)} free
              </span>
            </li>
          ))}
        </ul>
      </section>
    );
  return (
    <>
      {ring.clusters.map((cluster) => (
        <section class="card pad" aria-label="Ring" key={cluster.keyspaces.join()}>
          <div class="section-head">
            <h2>Ring: {cluster.keyspaces.join(', ')}</h2>
            {cluster.schemaAgreement === null ? (
              <Badge kind="bad">not reachable</Badge>
            ) : (
              <Badge kind={cluster.schemaAgreement ? 'good' : 'warn'}>
                {cluster.schemaAgreement ? 'schema agrees' : 'schema differs'}
              </Badge>
            )}
          </div>
          <ul class="nodes">
            {cluster.nodes.map((node) => (
              <li key={node.address} class={node.up ? 'up' : 'down'}>
                <strong>{node.address}</strong>
                <Badge kind={node.up ? 'good' : 'bad'}>{node.up ? 'up' : 'down'}</Badge>
                <span class="faint small">
                  {node.datacenter} · {node.rack} · {node.release}
                </span>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </>
  );
}
