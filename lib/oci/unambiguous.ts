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

/** What is told of where something stands, made only if it is: of a quarter of a million members, that would take seconds. */
type Place = () => string;

/** How much of a name is shown in an error, in UTF-16 units. */
const MAX_SHOWN = 100;

/** A number, `true`, `false` or `null` of JSON that is known to be valid, to be tried where the last token ended. */
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
  const placeOf = (what: string, from: number) => {
    const place = text.indexOf(what, from);
    return place < 0 ? Infinity : place;
  };
  let at = 0;
  let nextEscape = placeOf("\\", 0);

  function takeScalar(): string {
    SCALAR.lastIndex = at;
    const found = SCALAR.exec(text)?.[0] ?? "";
    at += found.length;
    return found;
  }

  /** A string with its quotes; it may be of megabytes, which is too much for an expression with a choice in it. */
  function takeString(): string {
    const start = at++;
    let end = text.indexOf('"', at);
    // Outside of strings there are no escapes, so the next one is looked for once.
    for (; nextEscape < end; nextEscape = placeOf("\\", at)) {
      at = nextEscape + 2;
      if (end < at) end = text.indexOf('"', at);
    }
    at = end + 1;
    return text.slice(start, at);
  }

  /** The next character that is no blank. */
  function next(): string {
    // Blanks and what else comes before "!" are the same here, since the text is valid.
    while (text.charCodeAt(at) <= 0x20) at++;
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

  function passMembers(shape: Shape, where: Place): void {
    const seen = new Set<string>();
    passAll("}", () => {
      next();
      const written = takeString();
      const name: string = written.includes("\\") ? JSON.parse(written) : written.slice(1, -1);
      if (seen.has(name)) throw fail(`${where()} has ${shown(name)} twice`);
      seen.add(name);
      next();
      at++;
      passValue(memberShape(shape, name, where), () => shown(name));
    });
  }

  function memberShape(shape: Shape, name: string, where: Place): Shape {
    if (shape === "texts by name") return "text";
    if (typeof shape !== "object" || Array.isArray(shape)) return "any";
    const members = shape as Readonly<Record<string, Shape>>;
    if (Object.hasOwn(members, name)) return members[name];
    const meant = namesOf(members).get(folded(name));
    if (meant !== undefined) throw fail(`${where()} has ${shown(name)}, which some take for ${shown(meant)}`);
    return "any";
  }

  function passValue(shape: Shape, where: Place): void {
    const first = next();
    const expect = (isExpected: boolean) => {
      if (!isExpected) throw fail(`${where()} is not ${WANTED[kindOf(shape)]}`);
    };
    if (first === "{") {
      expect(shape === "any" || shape === "texts by name" || kindOf(shape) === "object");
      passMembers(shape, where);
    } else if (first === "[") {
      expect(shape === "any" || kindOf(shape) === "list");
      passAll("]", () => passValue(Array.isArray(shape) ? shape[0] : "any", () => `an entry of ${where()}`));
    } else if (first === '"') {
      expect(shape === "any" || shape === "text");
      takeString();
    } else {
      const scalar = takeScalar();
      // Where nothing is, every program reads nothing.
      expect(shape === "any" || scalar === "null" || (shape === "integer" && /^-?\d+$/.test(scalar)));
    }
  }

  passValue(MANIFEST, () => "it");
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

/** The names of members by what they are folded to, made once: a manifest may have hundreds of thousands of members. */
const namesByShape = new Map<Shape, ReadonlyMap<string, string>>();

function namesOf(members: Readonly<Record<string, Shape>>): ReadonlyMap<string, string> {
  const names = namesByShape.get(members) ?? new Map(Object.keys(members).map((name) => [folded(name), name]));
  namesByShape.set(members, names);
  return names;
}

/** As Go compares the names of members: without regard to case, also where another letter has the same capital. */
function folded(name: string): string {
  return name.toUpperCase().toLowerCase();
}

function shown(name: string): string {
  return printable(JSON.stringify(name), MAX_SHOWN);
}
