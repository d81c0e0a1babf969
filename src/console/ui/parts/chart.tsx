/** Lines over time, in SVG. What they show is also there as text: the last and the highest value of each. */
import type { JSX } from 'preact';

const WIDTH = 600;
const HEIGHT = 160;
const TOP = 8;

export interface ChartLine {
  readonly name: string;
  readonly values: readonly number[];
  readonly kind: 'first' | 'second' | 'bad';
}

export function Chart(props: {
  readonly title: string;
  readonly lines: readonly ChartLine[];
  readonly intervalSeconds: number;
  readonly fromMs: number;
  readonly format: (value: number) => string;
}): JSX.Element {
  const { title, lines, intervalSeconds, fromMs, format } = props;
  const count = Math.max(0, ...lines.map(({ values }) => values.length));
  const highest = Math.max(0, ...lines.flatMap(({ values }) => values));
  const top = highest === 0 ? 1 : highest * 1.1;
  const x = (at: number): number => (count < 2 ? 0 : (at * WIDTH) / (count - 1));
  const y = (value: number): number => HEIGHT - (value / top) * (HEIGHT - TOP);
  const line = (values: readonly number[]): string =>
    values.map((value, at) => `${at === 0 ? 'M' : 'L'}${x(at).toFixed(1)} ${y(value).toFixed(1)}`).join('');
  const clock = (at: number): string =>
    new Date(fromMs + at * intervalSeconds * 1000).toLocaleTimeString(undefined, {
      hour: '2-digit',
      minute: '2-digit',
    });
  const said = lines.map(
    ({ name, values }) => `${name}: now ${format(values.at(-1) ?? 0)}, highest ${format(Math.max(0, ...values))}`,
  );
  return (
    <figure class="card pad chart">
      <figcaption>
        <h2>{title}</h2>
        <ul class="legend">
          {lines.map(({ name, kind, values }) => (
            <li key={name} class={kind}>
              {name} <strong>{format(values.at(-1) ?? 0)}</strong>
            </li>
          ))}
        </ul>
      </figcaption>
      <div class="plot">
        <span class="axis faint small">{format(top)}</span>
        <svg
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={`${title}. ${said.join('; ')}`}
        >
          {[0, 0.5, 1].map((part) => (
            <line key={part} class="grid-line" x1={0} x2={WIDTH} y1={y(top * part)} y2={y(top * part)} />
          ))}
          {(count === 0 ? [] : lines).map(({ name, kind, values }) => (
            <g key={name} class={kind}>
              <path class="area" d={`${line(values)}L${WIDTH} ${HEIGHT}L0 ${HEIGHT}Z`} />
              <path class="line" d={line(values)} />
            </g>
          ))}
        </svg>
      </div>
      <p class="time faint small" aria-hidden="true">
        <span>{count === 0 ? 'Nothing yet' : clock(0)}</span>
        <span>{count === 0 ? '' : clock(count - 1)}</span>
      </p>
    </figure>
  );
}
