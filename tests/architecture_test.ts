import { strict as assert } from "node:assert";
import { dirname, join, relative } from "node:path";
import { ROOT } from "./harness/paths.ts";

/** What a source file takes from elsewhere, as its syntax tree shows it. */
interface Uses {
  /** Specifiers of imports and re-exports, of types as well. */
  imports: { specifier: string; names: string[] }[];
  /** Globals of a runtime, and `console`, that it names. */
  globals: Set<string>;
}

/** Globals that not every file may use. */
const GLOBALS = new Set(["Deno", "Bun", "process", "console"]);

/** What an area may import beside itself, `FOR_ALL` and packages. Areas that are not here may import `ALL_AREAS`. */
const IMPORTS: Record<string, readonly string[]> = { oci: ["runtime"], runtime: [], content: ["oci"] };
const FOR_ALL = ["lib/error.ts", "lib/printable.ts"];
const ALL_AREAS = ["oci", "content", "runtime"];

/** The areas that have nothing to do with any medium. Of `runtime`, they use the hash alone. */
const PURE_AREAS = ["oci", "content"];

function usesOf(path: string): Uses {
  const uses: Uses = { imports: [], globals: new Set() };
  const names = (specifiers: readonly unknown[]) =>
    specifiers.map((specifier) => {
      const { imported } = specifier as { imported?: { name?: string } };
      return imported?.name ?? "*";
    });
  const collect: Deno.lint.Plugin = {
    name: "uses",
    rules: {
      all: {
        create: () => ({
          ImportDeclaration: (node) =>
            void uses.imports.push({ specifier: node.source.value, names: names(node.specifiers) }),
          ExportAllDeclaration: (node) => void uses.imports.push({ specifier: node.source.value, names: ["*"] }),
          ExportNamedDeclaration: (node) => {
            if (node.source) uses.imports.push({ specifier: node.source.value, names: ["*"] });
          },
          ImportExpression: (node) => {
            if (node.source.type === "Literal") {
              uses.imports.push({ specifier: String(node.source.value), names: ["*"] });
            }
          },
          Identifier: (node) => {
            if (!GLOBALS.has(node.name)) return;
            const { parent } = node;
            const isOtherProperty = parent.type === "MemberExpression" && parent.property === node &&
              !parent.computed &&
              !(parent.object.type === "Identifier" && parent.object.name === "globalThis");
            const isKey = (parent.type === "Property" || parent.type === "TSPropertySignature") && parent.key === node;
            if (!isOtherProperty && !isKey) uses.globals.add(node.name);
          },
        }),
      },
    },
  };
  Deno.lint.runPlugin(collect, path, Deno.readTextFileSync(path));
  return uses;
}

function sourcesBelow(folder: string): string[] {
  const path = join(ROOT, folder);
  return Array.from(Deno.readDirSync(path)).flatMap(({ name, isDirectory }) => {
    if (isDirectory) return sourcesBelow(join(folder, name));
    return name.endsWith(".ts") && !name.endsWith("_test.ts") && !name.startsWith("_") ? [join(path, name)] : [];
  });
}

/** `lib/store/blobs.ts` is of the area `store`; `lib/error.ts` and `lib/printable.ts` of none. */
function areaOf(path: string): string | undefined {
  return /^lib\/([^/]+)\//.exec(relative(ROOT, path))?.[1];
}

const sources = new Map(
  [...sourcesBelow("lib"), ...sourcesBelow("commands"), join(ROOT, "main.ts")].map((path) => [path, usesOf(path)]),
);
const inLib = [...sources].filter(([path]) => relative(ROOT, path).startsWith("lib/"));

/** Fails with a line for each file that breaks a rule. */
function assertNone(broken: Iterable<string>): void {
  assert.deepEqual([...broken], []);
}

Deno.test("an area of lib imports only itself and what lies below it", () => {
  assertNone(inLib.flatMap(([path, { imports }]) => {
    const area = areaOf(path);
    const allowed = area === undefined ? [] : IMPORTS[area] ?? ALL_AREAS;
    return imports.filter(({ specifier }) => specifier.startsWith(".")).flatMap(({ specifier }) => {
      const target = join(dirname(path), specifier);
      const targetArea = areaOf(target);
      const inside = targetArea !== undefined && (targetArea === area || allowed.includes(targetArea));
      return inside || FOR_ALL.includes(relative(ROOT, target))
        ? []
        : [`${relative(ROOT, path)} imports ${relative(ROOT, target)}`];
    });
  }));
});

Deno.test("the pure areas of lib know no medium: no files, sockets or processes of Node", () => {
  assertNone(inLib.flatMap(([path, { imports }]) => {
    if (!PURE_AREAS.includes(areaOf(path) ?? "")) return [];
    return imports.filter(({ specifier }) => /^(node|bun):|runtime\/(?!hash\.ts)/.test(specifier))
      .map(({ specifier }) => `${relative(ROOT, path)} imports ${specifier}`);
  }));
});

Deno.test("only lib/runtime tells the runtimes apart and reads the process; lib/terminal may draw on its streams", () => {
  assertNone(inLib.flatMap(([path, { imports, globals }]) => {
    if (["runtime", "terminal"].includes(areaOf(path) ?? "")) return [];
    return [
      ...["Deno", "Bun", "process"].filter((name) => globals.has(name)).map((name) => `${name} itself`),
      ...imports.map(({ specifier }) => specifier).filter((name) => name === "node:process" || name.startsWith("bun:")),
    ].map((what) => `${relative(ROOT, path)} uses ${what}`);
  }));
});

Deno.test("only commands and lib/terminal print", () => {
  assertNone([...sources].flatMap(([path, { globals }]) => {
    const mayPrint = areaOf(path) === "terminal" || relative(ROOT, path).startsWith("commands/");
    return !mayPrint && globals.has("console") ? [`${relative(ROOT, path)} uses console`] : [];
  }));
});

Deno.test("only main.ts exits", () => {
  assertNone([...sources].flatMap(([path, { imports, globals }]) => {
    const name = relative(ROOT, path);
    if (name === "main.ts") return [];
    return [
      ...imports.filter(({ specifier, names }) => /runtime\//.test(specifier) && names.includes("exit"))
        .map(() => `${name} imports exit`),
      ...areaOf(path) === undefined && ["Deno", "Bun", "process"].filter((global) => globals.has(global))
            .map((global) => `${name} uses ${global}`) || [],
    ];
  }));
});

Deno.test("every folder of lib opens with a mod.ts that says what it is for", () => {
  assertNone(
    Array.from(Deno.readDirSync(join(ROOT, "lib"))).filter(({ isDirectory }) => isDirectory).flatMap(({ name }) => {
      const text = readIfThere(join(ROOT, "lib", name, "mod.ts"));
      const header = /^\/\*\*\n((?: \* [^\n]+\n){2,})(?: \*[^\n]*\n)* \* @module\n \*\/\n/.exec(text ?? "");
      return header ? [] : [`lib/${name}/mod.ts has no header with @module`];
    }),
  );
});

function readIfThere(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
