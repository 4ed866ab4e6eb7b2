import { SatchelError } from "../error.ts";
import { printable } from "../printable.ts";

/** What stands somewhere in a manifest; `any` is what nobody reads. */
type Shape = "any" | "text" | "integer" | "texts by name" | readonly [Shape] | { readonly [member: string]: Shape };

const PLATFORM: Shape = {
  "architecture": "text",
  "os": "text",
  "os.version": "text",
  "os.features": ["text"],
  "variant": "text",
  "features": ["text"],
};

const DESCRIPTOR: Shape = {
  mediaType: "text",
  digest: "text",
  size: "integer",
  urls: ["text"],
  annotations: "texts by name",
  data: "text",
  platform: PLATFORM,
  artifactType: "text",
};

/** All kinds of manifests at once: none has a member that is another thing in another kind. */
const MANIFEST: Shape = {
  schemaVersion: "integer",
  mediaType: "text",
  artifactType: "text",
  config: DESCRIPTOR,
  layers: [DESCRIPTOR],
  manifests: [DESCRIPTOR],
  blobs: [DESCRIPTOR],
  subject: DESCRIPTOR,
  annotations: "texts by name",
};

/** How much of a name is shown in an error, in UTF-16 units. */
const MAX_SHOWN = 100;

/** Tokens of JSON that is known to be valid, each to be tried where the last one ended. */
const SPACE = /[ \t\n\r]*/y;
const SCALAR = /[-+.\w]+/y;

/**
 * Holds a manifest to what all programs read in the same way. Go's, among them `ig` and container engines, take `LAYERS` for `layers`,
 * merge what stands there twice, and refuse `5.0` for a size and a mark of the byte order; JavaScript does none of that. Who takes in
 * what others will read has to refuse it (CVE-2021-41190 is of this kind); who only passes on what has a digest already need not.
 *
 * @param bytes JSON that {@link parseManifestJson} has read
 * @param what what the bytes are, for the error text
 * @throws {SatchelError} `invalid`
 */
export function requireUnambiguous(bytes: Uint8Array, what: string): void {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  const fail = (why: string) => new SatchelError("invalid", `${what} would not be read alike by all programs: ${why}`);
  if (text.startsWith("\ufeff")) throw fail("it begins with a byte order mark");
  let at = 0;

  function take(token: RegExp): string {
    token.lastIndex = at;
    const found = token.exec(text)?.[0] ?? "";
    at += found.length;
    return found;
  }

  /** A string with its quotes; it may be of megabytes, which is too much for an expression with a choice in it. */
  function takeString(): string {
    const start = at++;
    while (text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
    return text.slice(start, ++at);
  }

  /** The next character that is no blank. */
  function next(): string {
    take(SPACE);
    return text[at];
  }

  /** Passes a list up to its end; `item` passes one of its items. */
  function passAll(end: string, item: () => void): void {
    at++;
    if (next() === end) return void at++;
    for (;;) {
      item();
      next();
      if (text[at++] === end) return;
    }
  }

  function passMembers(shape: Shape, where: string): void {
    const seen = new Set<string>();
    passAll("}", () => {
      next();
      const name: string = JSON.parse(takeString());
      if (seen.has(name)) throw fail(`${where} has ${shown(name)} twice`);
      seen.add(name);
      next();
      at++;
      passValue(memberShape(shape, name, where), shown(name));
    });
  }

  function memberShape(shape: Shape, name: string, where: string): Shape {
    if (shape === "texts by name") return "text";
    if (typeof shape !== "object" || Array.isArray(shape)) return "any";
    const members = shape as Readonly<Record<string, Shape>>;
    if (Object.hasOwn(members, name)) return members[name];
    const meant = Object.keys(members).find((each) => folded(each) === folded(name));
    if (meant !== undefined) throw fail(`${where} has ${shown(name)}, which some take for ${shown(meant)}`);
    return "any";
  }

  function passValue(shape: Shape, where: string): void {
    const first = next();
    const expect = (isExpected: boolean) => {
      if (!isExpected) throw fail(`${where} is not ${WANTED[kindOf(shape)]}`);
    };
    if (first === "{") {
      expect(shape === "any" || shape === "texts by name" || kindOf(shape) === "object");
      passMembers(shape, where);
    } else if (first === "[") {
      expect(shape === "any" || kindOf(shape) === "list");
      passAll("]", () => passValue(Array.isArray(shape) ? shape[0] : "any", `an entry of ${where}`));
    } else if (first === '"') {
      expect(shape === "any" || shape === "text");
      takeString();
    } else {
      const scalar = take(SCALAR);
      // Where nothing is, every program reads nothing.
      expect(shape === "any" || scalar === "null" || (shape === "integer" && /^-?\d+$/.test(scalar)));
    }
  }

  passValue(MANIFEST, "it");
}

const WANTED = {
  "any": "",
  "text": "a text",
  "integer": "written as a whole number",
  "texts by name": "an object of texts",
  "list": "a list",
  "object": "an object",
} as const;

function kindOf(shape: Shape): keyof typeof WANTED {
  if (typeof shape === "string") return shape;
  return Array.isArray(shape) ? "list" : "object";
}

/** As Go compares the names of members: without regard to case, also where another letter has the same capital. */
function folded(name: string): string {
  return name.toUpperCase().toLowerCase();
}

function shown(name: string): string {
  return printable(JSON.stringify(name), MAX_SHOWN);
}
