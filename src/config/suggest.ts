// "Did you mean ...?" for names that are nearly right.

/** The candidate nearest to `name`, when it is near enough to be a slip; null otherwise. */
export function suggest(name: string, candidates: Iterable<string>): string | null {
  const wanted = simplify(name);
  let best: string | null = null;
  let bestDistance = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(wanted, simplify(candidate));
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** ` (did you mean 'x'?)`, or nothing. */
export function hint(name: string, candidates: Iterable<string>): string {
  const nearest = suggest(name, candidates);
  return nearest === null ? '' : ` (did you mean '${nearest}'?)`;
}

// serviceUri, service_uri and Service-URI are all meant for service-uri.
function simplify(name: string): string {
  return name.toLowerCase().replaceAll(/[-_. ]/g, '');
}

/** Edits (insert, delete, replace, swap of neighbours) between two short texts: optimal string alignment. */
function editDistance(left: string, right: string): number {
  const rows: number[][] = [Array.from({ length: right.length + 1 }, (_unused, column) => column)];
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const cost = left[row - 1] === right[column - 1] ? 0 : 1;
      let distance = Math.min(
        at(rows, row - 1, column) + 1,
        (current[column - 1] ?? 0) + 1,
        at(rows, row - 1, column - 1) + cost,
      );
      const swapped =
        row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      if (swapped) distance = Math.min(distance, at(rows, row - 2, column - 2) + 1);
      current.push(distance);
    }
    rows.push(current);
  }
  return at(rows, left.length, right.length);
}

function at(rows: readonly (readonly number[])[], row: number, column: number): number {
  return rows[row]?.[column] ?? 0;
}
