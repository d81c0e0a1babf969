/** Counts requests by operation. */
import type { Registry } from 'prom-client';
import { Counter, Gauge } from 'prom-client';
import type { Cell, HistogramCell } from './cells.js';
import { CellCounter, CellHistogram } from './cells.js';

/** Seconds. From an answer out of memory to one that waits for a time-out. */
const LATENCY_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

const CLASSES = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const;

interface Children {
  /** by the first digit of the status, less one */
  readonly byClass: readonly Cell[];
  readonly firstByte: HistogramCell;
  readonly total: HistogramCell;
  readonly received: Cell;
  readonly sent: Cell;
}

export interface ServedRequest {
  readonly status: number;
  readonly firstByteMs: number;
  readonly totalMs: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

export class RequestMetrics {
  readonly #requests: CellCounter;
  readonly #firstByte: CellHistogram;
  readonly #total: CellHistogram;
  readonly #received: CellCounter;
  readonly #sent: CellCounter;
  readonly #corrupt: Counter;
  readonly #children = new Map<string, Children>();
  #inFlight = 0;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#requests = new CellCounter({
      registry,
      name: 'pithos_requests_total',
      help: 'Requests that were answered, by operation and class of status',
      labelNames: ['operation', 'status'],
    });
    this.#firstByte = new CellHistogram({
      registry,
      name: 'pithos_request_first_byte_seconds',
      help: 'From the arrival of a request to the first byte of its answer',
      labelNames: ['operation'],
      buckets: LATENCY_BUCKETS,
    });
    this.#total = new CellHistogram({
      registry,
      name: 'pithos_request_duration_seconds',
      help: 'From the arrival of a request to the last byte of its answer',
      labelNames: ['operation'],
      buckets: LATENCY_BUCKETS,
    });
    this.#received = new CellCounter({
      registry,
      name: 'pithos_received_bytes_total',
      help: 'Bytes of requests, without their headers',
      labelNames: ['operation'],
    });
    this.#sent = new CellCounter({
      registry,
      name: 'pithos_sent_bytes_total',
      help: 'Bytes of answers, without their headers',
      labelNames: ['operation'],
    });
    this.#corrupt = new Counter({
      name: 'pithos_corrupt_reads_total',
      help: 'Requests that found stored bytes missing or damaged',
      registers,
    });
    const inFlight = (): number => this.#inFlight;
    new Gauge({
      name: 'pithos_requests_in_flight',
      help: 'Requests that are being served',
      registers,
      collect() {
        this.set(inFlight());
      },
    });
  }

  started(): void {
    this.#inFlight++;
  }

  served(operation: string, { status, firstByteMs, totalMs, receivedBytes, sentBytes }: ServedRequest): void {
    this.#inFlight--;
    const children = this.#children.get(operation) ?? this.#childrenOf(operation);
    const counted = children.byClass[Math.floor(status / 100) - 1];
    if (counted !== undefined) counted.value++;
    children.firstByte.observe(firstByteMs / 1000);
    children.total.observe(totalMs / 1000);
    children.received.value += receivedBytes;
    children.sent.value += sentBytes;
  }

  corrupt(): void {
    this.#corrupt.inc();
  }

  #childrenOf(operation: string): Children {
    const children: Children = {
      byClass: CLASSES.map((status) => this.#requests.cell({ operation, status })),
      firstByte: this.#firstByte.cell({ operation }),
      total: this.#total.cell({ operation }),
      received: this.#received.cell({ operation }),
      sent: this.#sent.cell({ operation }),
    };
    this.#children.set(operation, children);
    return children;
  }
}
