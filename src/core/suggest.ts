// "Did you mean": the candidate nearest to a misspelt word.

/**
 * The candidate with the smallest Damerau–Levenshtein distance to `word`, if
 * that is at most 2 and at most a third of the longer word; else undefined.
 * Case is ignored. `candidates` beyond 1,000 are not looked at.
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const target = word.toLowerCase();
  let best: string | undefined;
  let bestDistance = 3;
  let seen = 0;
  for (const candidate of candidates) {
    if (++seen > 1000) break;
    const longer = Math.max(target.length, candidate.length);
    if (Math.abs(target.length - candidate.length) > 2) continue;
    const distance = editDistance(target, candidate.toLowerCase());
    if (distance < bestDistance && distance * 3 <= longer) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** "did you mean 'x'?" or the defined ids, at most ten; empty if there are none. */
export function suggestion(word: string, candidates: Iterable<string>): string {
  const all: string[] = [];
  for (const candidate of candidates) {
    all.push(candidate);
    if (all.length >= 1000) break;
  }
  const best = nearest(word, all);
  if (best !== undefined) return `did you mean '${best}'?`;
  if (all.length === 0) return "";
  const listed = all.slice(0, 10).map((id) => `'${id}'`);
  return `there is ${listed.join(", ")}${all.length > 10 ? " and more" : ""}`;
}

/** Damerau–Levenshtein distance (optimal string alignment) of two words. */
export function editDistance(a: string, b: string): number {
  // What both begin and end with does not count; ids often share all but a few characters.
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let [endA, endB] = [a.length, b.length];
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) {
    endA--;
    endB--;
  }
  return innerDistance(a.slice(start, endA), b.slice(start, endB));
}

function innerDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let value = Math.min(row[j]! + 1, current[j - 1]! + 1, row[j - 1]! + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        value = Math.min(value, before[j - 2]! + 1);
      }
      current.push(value);
    }
    before = row;
    row = current;
  }
  return row[b.length]!;
}
