/** How much of a text from an image is shown, in UTF-16 units. */
const MAX_SHOWN = 2000;

/** A text from an image, no longer than is shown. */
export function shown(text: string, limit: number = MAX_SHOWN): string {
  return text.length > limit ? `${text.slice(0, limit)}...` : text;
}
