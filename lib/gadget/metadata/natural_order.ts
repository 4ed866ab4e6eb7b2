/**
 * Compares keys as go-yaml orders them: numbers in them by their value, `s8` before `s16`, and other characters before letters.
 *
 * @returns negative if `a` comes first
 */
export function compareNaturally(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)];
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    const order = compareParts(left[index]!, right[index]!);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

/** Numbers, and single characters. */
function partsOf(text: string): string[] {
  return text.match(/[0-9]+|[^0-9]/gu) ?? [];
}

function compareParts(a: string, b: string): number {
  if (a === b) return 0;
  const [isNumber, isOtherNumber] = [/^[0-9]/.test(a), /^[0-9]/.test(b)];
  if (isNumber && isOtherNumber) {
    const [x, y] = [a.replace(/^0+/, ""), b.replace(/^0+/, "")];
    return x.length - y.length || (x < y ? -1 : x > y ? 1 : a.length - b.length);
  }
  const [isLetter, isOtherLetter] = [/^\p{L}/u.test(a), /^\p{L}/u.test(b)];
  if (isLetter !== isOtherLetter) return isLetter ? 1 : -1;
  return a < b ? -1 : 1;
}
