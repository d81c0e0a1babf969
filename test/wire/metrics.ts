// Reads the text format of Prometheus: https://prometheus.io/docs/instrumenting/exposition_formats/

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;

/** All samples of that name. */
export function samplesOf(text: string, name: string): Sample[] {
  return text.split('\n').flatMap((line) => {
    const [, found, labels = '', value = ''] = LINE.exec(line) ?? [];
    if (found !== name) return [];
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label = '', content = '']) => [
      label,
      content,
    ]);
    return [{ labels: Object.fromEntries(pairs) as Record<string, string>, value: Number(value) }];
  });
}

/** The value of the one sample with these labels; 0: there is none. */
export function sampleOf(text: string, name: string, labels: Readonly<Record<string, string>>): number {
  const fitting = samplesOf(text, name).filter((sample) =>
    Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  );
  if (fitting.length > 1) throw new Error(`${fitting.length} samples of ${name} with ${JSON.stringify(labels)}`);
  return fitting[0]?.value ?? 0;
}

/** Names of all series. */
export function namesUsed(text: string): Set<string> {
  return new Set(text.split('\n').flatMap((line) => LINE.exec(line)?.[1] ?? []));
}

/** Type of each metric by its name, also of those that have no sample yet. */
export function familiesOf(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split('\n').flatMap((line) => {
      const [, name, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
      return name === undefined || type === undefined ? [] : [[name, type] as const];
    }),
  );
}
