/**
 * Finds slips in a regular expression before anything is done. It is matched by RE2 later, as cosign's are, and that library is not loaded
 * for this: what RE2 has and JavaScript has not, flags and the names of groups, is taken out before JavaScript looks at it.
 */
export function isRegExp(text: string): boolean {
  const withoutFlags = text.replace(/\(\?[imsU-]+([:)])/g, (_, end) => end === ")" ? "" : "(?:");
  try {
    new RegExp(withoutFlags.replaceAll("(?P<", "(?<"));
    return true;
  } catch {
    return false;
  }
}
