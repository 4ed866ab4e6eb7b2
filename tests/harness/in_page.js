/**
 * What is run inside of a page by `page.evaluate`: each function goes there as text, so it needs nothing from around it.
 * This is JavaScript, since Deno's types know no document.
 *
 * @module
 */

/**
 * The element that has the focus.
 *
 * @returns {{ id: string, text: string, outline: string, isInView: boolean }}
 */
export function focusedElement() {
  const element = document.activeElement;
  const { outlineStyle, outlineWidth } = getComputedStyle(element);
  const { left, top } = element.getBoundingClientRect();
  return {
    id: element.id,
    text: element.textContent.trim() || element.id,
    outline: `${outlineStyle} ${outlineWidth}`,
    isInView: left >= 0 && top >= 0,
  };
}

/**
 * How wide the content of a page is when all of it is open, how wide that may be, and how wide the screen is.
 *
 * @returns {number[]}
 */
export function pageWidths() {
  for (const details of document.querySelectorAll("details")) details.open = true;
  const root = document.documentElement;
  return [root.scrollWidth, root.clientWidth, globalThis.innerWidth];
}

/**
 * The lowest contrast of any text on a page to what is behind it (WCAG 2.2, 1.4.3), and the colour behind all.
 *
 * @returns {{ lowest: number, background: string }}
 */
export function textContrast() {
  const luminance = (colour) => {
    const [red, green, blue] = colour.match(/[\d.]+/g).map((part) => Number(part) / 255).map((value) =>
      value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
    );
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const behind = (element) => {
    if (!element) return "rgb(255, 255, 255)";
    const { backgroundColor } = getComputedStyle(element);
    return backgroundColor === "rgba(0, 0, 0, 0)" ? behind(element.parentElement) : backgroundColor;
  };
  const withText = [...document.body.querySelectorAll("*")].filter((element) =>
    [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== "")
  );
  const contrasts = withText.map((element) => {
    const shades = [luminance(getComputedStyle(element).color), luminance(behind(element))].sort((a, b) => b - a);
    return (shades[0] + 0.05) / (shades[1] + 0.05);
  });
  return { lowest: Math.min(...contrasts), background: behind(document.body) };
}
