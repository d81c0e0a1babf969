/** What the server as a whole is doing, put together from what each of its workers answers: for the admin API. */
import type { Census } from '../cluster/census.js';
import type { BacklogSample } from './backlog-sample.js';
import type { Throughput, ThroughputFigures } from './throughput.js';
import { addThroughput } from './throughput.js';

export interface ServerFacts {
  readonly version: string;
  /** ms since the epoch */
  readonly startedAtMs: number;
  /** as configured */
  readonly workers: number;
}

export interface ServerActivity {
  /** workers that answered in time */
  readonly workers: number;
  readonly throughput: ThroughputFigures;
  /** null: not counted yet, or not by this server */
  readonly backlog: BacklogSample | null;
}

export interface ServerReporter {
  readonly facts: ServerFacts;
  activity(): Promise<ServerActivity>;
}

interface WorkerActivity {
  readonly throughput: ThroughputFigures;
  readonly backlog: BacklogSample | null;
}

const TOPIC = 'activity';

export interface ReporterOptions {
  readonly facts: ServerFacts;
  readonly census: Census;
  readonly throughput: Throughput;
  readonly backlog: () => BacklogSample | null;
  readonly now: () => number;
}

/** Answers the other workers from now on, too. */
export function serverReporter({ facts, census, throughput, backlog, now }: ReporterOptions): ServerReporter {
  census.onAsked(TOPIC, (): WorkerActivity => ({ throughput: throughput.figures(), backlog: backlog() }));
  return {
    facts,
    activity: async () => {
      // What workers of the same version answered, by way of JSON.
      const answers = (await census.gather(TOPIC)) as WorkerActivity[];
      return {
        workers: answers.length,
        throughput: addThroughput(
          answers.map((answer) => answer.throughput),
          now(),
        ),
        backlog: answers.find((answer) => answer.backlog !== null)?.backlog ?? null,
      };
    },
  };
}
