/**
 * Who is behind an IP address, as far as that can be told: of IPv6, the first half, since whoever has one address of a network has all
 * of them; an IPv4 address written as IPv6 is that address.
 *
 * @param address without a port; a zone behind `%` is left out
 */
export function clientOf(address: string): string {
  const [plain] = address.split("%");
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1];
  if (mapped !== undefined || !plain.includes(":")) return mapped ?? plain;
  const [before, after] = plain.toLowerCase().split("::").map((half) => half === "" ? [] : half.split(":"));
  // An address without "::" has all of its eight groups.
  const zeros = after === undefined ? 0 : 8 - before.length - after.length;
  const groups = [...before, ...Array<string>(Math.max(zeros, 0)).fill("0"), ...after ?? []];
  return `${groups.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, "")).join(":")}::/64`;
}
