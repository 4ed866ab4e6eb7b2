import { digestHex, digestOf } from "../../oci/mod.ts";

/** The one style sheet of all pages. It stands in them, so that a page is one request and nothing but its digest is allowed. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --back: #ffffff; --raised: #f3f5f7; --text: #1b1f24; --soft: #50575f; --line: #c6ccd3;
  --link: #0550ae; --warn: #7a4100;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #0f1318; --raised: #1a2028; --text: #e6eaef; --soft: #a9b3be; --line: #3b4550;
    --link: #86bdff; --warn: #f0b35c;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1rem; max-width: 72rem; background: var(--back); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere;
}
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 2px; }
.skip { position: absolute; left: -100vw; padding: .5rem; background: var(--back); }
.skip:focus { left: .5rem; top: .5rem; }
header { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: baseline; border-bottom: 1px solid var(--line); }
header p, footer p { margin: .25rem 0; }
footer { margin-top: 3rem; border-top: 1px solid var(--line); color: var(--soft); font-size: .875rem; }
.brand { font-weight: 700; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 1.25rem 0 .5rem; }
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
h3 { font-size: 1rem; margin: 1.25rem 0 .25rem; }
code, pre, kbd { font: .875em/1.5 ui-monospace, "DejaVu Sans Mono", monospace; }
pre code { font-size: inherit; }
pre { margin: .25rem 0 .75rem; padding: .5rem .75rem; background: var(--raised); border-radius: 4px; white-space: pre-wrap; }
.lines { white-space: pre-wrap; }
td, dd, dt, code, h1, .lines { unicode-bidi: isolate; }
.soft { color: var(--soft); font-size: .875rem; }
.block { display: block; }
.short { white-space: nowrap; }
.warn { color: var(--warn); }
table { width: 100%; border-collapse: collapse; margin: .5rem 0 1rem; }
caption { text-align: left; color: var(--soft); padding: .25rem 0; }
th, td { text-align: left; vertical-align: top; min-width: 4.5rem; padding: .4rem .75rem .4rem 0; border-bottom: 1px solid var(--line); }
thead th { font-size: .875rem; color: var(--soft); }
tbody th { font-weight: 600; }
td ul, td ol { margin: 0; padding: 0; list-style: none; }
dl { display: grid; grid-template-columns: minmax(7rem, max-content) 1fr; gap: .25rem 1rem; margin: .5rem 0; }
dt { color: var(--soft); }
dd { margin: 0; }
form { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; margin: 1rem 0; }
input, button {
  font: inherit; color: inherit; background: var(--raised); border: 1px solid var(--soft); border-radius: 4px; padding: .35rem .6rem; min-width: 0;
}
input { flex: 1 1 12rem; max-width: 24rem; }
nav ul { display: flex; flex-wrap: wrap; gap: 1rem; list-style: none; padding: 0; }
summary { cursor: pointer; padding: .25rem 0; }
@media (max-width: 42rem) {
  table, tbody, tr, td, tbody th { display: block; }
  caption { display: block; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tr { padding: .5rem 0; border-bottom: 1px solid var(--line); }
  th, td { border: 0; padding: .1rem 0; }
  td[data-label]::before { content: attr(data-label) ": "; color: var(--soft); }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: .5rem; }
}
`;

/** What a Content-Security-Policy allows by it (CSP 3, "hash-source"). */
export const STYLE_SOURCE = `'sha256-${base64OfHex(digestHex(digestOf(new TextEncoder().encode(STYLE))))}'`;

function base64OfHex(hex: string): string {
  return btoa(hex.replace(/../g, (pair) => String.fromCharCode(parseInt(pair, 16))));
}
