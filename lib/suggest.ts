/** How many edits away a name may be to be suggested, as in cobra; of a long name, a part of its letters. */
const MAX_DISTANCE = 2;
const MAX_PART = 0.15;

/** Those of `names` that somebody who typed `typed` may have meant: nearly the same, or starting with it. */
export function suggestions(typed: string, names: readonly string[]): string[] {
  const wanted = typed.toLowerCase();
  if (wanted === "" || wanted.length > 64) return [];
  return names.filter((name) => {
    const limit = Math.min(Math.max(MAX_DISTANCE, Math.ceil(name.length * MAX_PART)), name.length - 1);
    return name.startsWith(wanted) || distance(wanted, name.toLowerCase()) <= limit;
  });
}

/** Levenshtein's distance: the least number of insertions, deletions and substitutions from one to the other. */
function distance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const current = [i];
    for (let j = 1; j <= to.length; j++) {
      const substitution = previous[j - 1] + (from[i - 1] === to[j - 1] ? 0 : 1);
      current.push(Math.min(previous[j] + 1, current[j - 1] + 1, substitution));
    }
    previous = current;
  }
  return previous[to.length];
}
