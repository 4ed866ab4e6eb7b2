import { strict as assert } from "node:assert";
import { dirname, join, relative } from "node:path";
import { ROOT } from "./harness/paths.ts";

interface Import {
  specifier: string;
  /** `*` for all, and for what an `import()` takes. */
  names: string[];
  /** Whether nothing of it is left when the program runs. */
  typesOnly: boolean;
}

/** What a source file takes from elsewhere, as its syntax tree shows it. */
interface Uses {
  /** Specifiers of imports and re-exports, of types as well. */
  imports: Import[];
  /** Globals of a runtime, and `console`, that it names. */
  globals: Set<string>;
}

/** Globals that not every file may use. */
const GLOBALS = new Set(["Deno", "Bun", "process", "console"]);

/** What each area may import beside itself, `FOR_ALL` and packages: the areas below it, or single files of them. */
const IMPORTS: Readonly<Record<string, readonly string[]>> = {
  oci: ["lib/runtime/hash.ts"],
  content: ["lib/oci"],
  registry: ["lib/oci", "lib/content", "lib/runtime"],
  archive: ["lib/oci", "lib/content", "lib/files", "lib/runtime"],
  files: ["lib/runtime"],
  gadget: ["lib/oci", "lib/runtime"],
  server: ["lib/oci", "lib/content"],
  serving: ["lib/oci", "lib/content", "lib/server", "lib/store", "lib/archive", "lib/files", "lib/runtime"],
  signing: ["lib/oci", "lib/content", "lib/runtime", "lib/plugin/contract.ts"],
  store: ["lib/oci", "lib/content", "lib/files", "lib/runtime"],
  certificates: ["lib/runtime", "lib/trust"],
  credentials: ["lib/oci", "lib/runtime", "lib/trust"],
  plugin: ["lib/oci/json.ts", "lib/runtime", "lib/trust"],
  runtime: [],
  terminal: [],
  trust: ["lib/runtime"],
};
const FOR_ALL = ["lib/credential.ts", "lib/error.ts", "lib/printable.ts", "lib/small_file.ts", "lib/suggest.ts"];

/** The areas that have nothing to do with any medium. */
const PURE_AREAS = ["oci", "content"];

/** The one file that ends the process and sees its environment. */
const MAIN = "main.ts";

/** The table of built-in plugins, which commands hand to the host of plugins. */
const BUILTIN_PLUGINS = "plugins/mod.ts";

/** All that a plugin gets from satchel, at compile time alone. */
const CONTRACT = "lib/plugin/contract.ts";

/** What of `lib/runtime` is for one file alone. */
const RESERVED: Readonly<Record<string, string>> = {
  exit: MAIN,
  environment: MAIN,
  commandLine: MAIN,
  onTermination: MAIN,
  onUncaught: MAIN,
  runtime: "commands/version.ts",
};

function usesOf(path: string): Uses {
  const uses: Uses = { imports: [], globals: new Set() };
  const add = (specifier: string, names: string[], typesOnly = false) =>
    void uses.imports.push({ specifier, names, typesOnly });
  const collect: Deno.lint.Plugin = {
    name: "uses",
    rules: {
      all: {
        create: () => ({
          ImportDeclaration: (node) => {
            const typesOnly = node.importKind === "type" ||
              (node.specifiers.length > 0 &&
                node.specifiers.every((each) => each.type === "ImportSpecifier" && each.importKind === "type"));
            add(node.source.value, node.specifiers.map(importedName), typesOnly);
          },
          ExportAllDeclaration: (node) => add(node.source.value, ["*"], node.exportKind === "type"),
          ExportNamedDeclaration: (node) => {
            if (node.source) add(node.source.value, ["*"], node.exportKind === "type");
          },
          ImportExpression: (node) => {
            if (node.source.type === "Literal") add(String(node.source.value), ["*"]);
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

function importedName(specifier: { type: string; imported?: { type: string; name?: string } }): string {
  return specifier.imported?.name ?? "*";
}

function sourcesBelow(folder: string): string[] {
  const path = join(ROOT, folder);
  return Array.from(Deno.readDirSync(path)).flatMap(({ name, isDirectory }) => {
    if (isDirectory) return sourcesBelow(join(folder, name));
    return name.endsWith(".ts") && !name.endsWith("_test.ts") && !name.startsWith("_") ? [join(path, name)] : [];
  });
}

/** `lib/store/blobs.ts` is of the area `store`; `lib/error.ts` and its neighbours are of none. */
function areaOf(path: string): string | undefined {
  return /^lib\/([^/]+)\//.exec(path)?.[1];
}

const sources = new Map(
  [...sourcesBelow("lib"), ...sourcesBelow("commands"), join(ROOT, MAIN)].map((path) =>
    [relative(ROOT, path), usesOf(path)] as const
  ),
);
/** What lib offers to others: it imports every area, and nothing imports it. */
const CONTENTS = "lib/mod.ts";
const inLib = [...sources].filter(([path]) => path.startsWith("lib/") && path !== CONTENTS);

/** The folders that a plugin is made of: its own, and what plugins for signatures have in common. */
function partsOf(path: string): string[] {
  const name = path.split("/")[1].replace(/\.ts$/, "");
  return name === "cosign" || name === "notation" || name === "signing" ? [`plugins/${name}`, "plugins/signing"] : [];
}

/** The files that a file of ours imports, by their paths in the tree. */
function ownImports(path: string, { imports }: Uses): (Import & { target: string })[] {
  return imports.filter(({ specifier }) => specifier.startsWith("."))
    .map((each) => ({ ...each, target: join(dirname(path), each.specifier) }));
}

/** Fails with a line for each file that breaks a rule. */
function assertNone(broken: Iterable<string>): void {
  assert.deepEqual([...broken], []);
}

Deno.test("every area of lib is known here", () => {
  const folders = Array.from(Deno.readDirSync(join(ROOT, "lib"))).filter(({ isDirectory }) => isDirectory);
  assert.deepEqual(folders.map(({ name }) => name).sort(), Object.keys(IMPORTS).sort());
  assertNone(inLib.flatMap(([path]) => areaOf(path) || FOR_ALL.includes(path) ? [] : [`${path} is of no area`]));
});

Deno.test("an area of lib imports only itself and what lies below it", () => {
  assertNone(inLib.flatMap(([path, uses]) => {
    const area = areaOf(path);
    const allowed = area === undefined ? [] : [`lib/${area}`, ...IMPORTS[area]];
    return ownImports(path, uses)
      .filter(({ target }) => !FOR_ALL.includes(target))
      .filter(({ target }) => !allowed.some((each) => target === each || target.startsWith(`${each}/`)))
      .map(({ target }) => `${path} imports ${target}`);
  }));
});

Deno.test("main.ts imports commands, the process, the terminal and errors; commands import no main.ts", () => {
  const forMain =
    /^(commands\/([^/]+|(line|output)\/[^/]+|plugin\/run)\.ts|lib\/error\.ts|lib\/runtime\/process\.ts|lib\/terminal\/streams\.ts)$/;
  assertNone(
    [...sources].filter(([path]) => !path.startsWith("lib/")).flatMap(([path, uses]) =>
      ownImports(path, uses)
        .filter(({ target }) => path === MAIN ? !forMain.test(target) : !/^(commands|lib)\//.test(target))
        .filter(({ target }) => target !== BUILTIN_PLUGINS)
        .map(({ target }) => `${path} imports ${target}`)
    ),
  );
});

Deno.test("plugins take nothing from satchel but the types of the contract, as if they were somebody else's", () => {
  const plugins = sourcesBelow("plugins").map((path) => [relative(ROOT, path), usesOf(path)] as const);
  assertNone(plugins.flatMap(([path, uses]) =>
    ownImports(path, uses)
      .filter(({ target, typesOnly }) => !(target === CONTRACT && typesOnly))
      .filter(({ target }) => !(path === BUILTIN_PLUGINS && dirname(target) === "plugins"))
      .filter(({ target }) => !partsOf(path).some((folder) => target.startsWith(`${folder}/`)))
      .map(({ target }) => `${path} imports ${target}`)
  ));
});

Deno.test("the worker of modules, which is started from its text, imports nothing but types", () => {
  const texts = ["lib/plugin/plugin_object.ts", "lib/plugin/module_worker.ts"].map((path) => sources.get(path)!);
  const imports = texts.flatMap(({ imports }) => imports);
  assertNone(imports.filter(({ typesOnly }) => !typesOnly).map(({ specifier }) => specifier));
});

Deno.test("no files of commands import each other in a circle, types aside", () => {
  const next = new Map(
    [...sources].filter(([path]) => !path.startsWith("lib/")).map(([path, uses]) => [
      path,
      ownImports(path, uses).filter(({ typesOnly }) => !typesOnly).map(({ target }) => target),
    ]),
  );
  const done = new Set<string>();
  function findCircles(path: string, way: readonly string[]): string[] {
    if (way.includes(path)) return [[...way.slice(way.indexOf(path)), path].join(" -> ")];
    if (done.has(path)) return [];
    const found = (next.get(path) ?? []).flatMap((target) => findCircles(target, [...way, path]));
    done.add(path);
    return found;
  }
  assertNone([...next.keys()].flatMap((path) => findCircles(path, [])));
});

Deno.test("the pure areas of lib know no medium: no files, sockets or processes of Node", () => {
  assertNone(inLib.flatMap(([path, { imports }]) => {
    if (!PURE_AREAS.includes(areaOf(path) ?? "")) return [];
    return imports.filter(({ specifier }) => /^(node|bun):/.test(specifier))
      .map(({ specifier }) => `${path} imports ${specifier}`);
  }));
});

Deno.test("only lib/runtime tells the runtimes apart and reads the process; lib/terminal may draw on its streams", () => {
  assertNone([...sources].flatMap(([path, { imports, globals }]) => {
    const area = areaOf(path);
    if (area === "runtime") return [];
    const forbidden = area === "terminal" ? ["Deno", "Bun"] : ["Deno", "Bun", "process"];
    return [
      ...forbidden.filter((name) => globals.has(name)),
      ...imports.map(({ specifier }) => specifier).filter((name) =>
        name.startsWith("bun:") || (name === "node:process" && area !== "terminal")
      ),
    ].map((what) => `${path} uses ${what}`);
  }));
});

Deno.test("only main.ts exits and sees the process, and only the version tells what runs it", () => {
  assertNone(
    [...sources].flatMap(([path, uses]) =>
      ownImports(path, uses).filter(({ target }) => /^lib\/runtime\/(process|mod)\.ts$/.test(target))
        .filter(() => areaOf(path) !== "runtime")
        .flatMap(({ names }) => names)
        .filter((name) => name === "*" || (name in RESERVED && RESERVED[name] !== path))
        .map((name) => `${path} imports ${name} of lib/runtime`)
    ),
  );
});

Deno.test("nothing prints but by lib/terminal, for commands and main.ts alone", () => {
  assertNone([...sources].flatMap(([path, uses]) => [
    ...uses.globals.has("console") ? [`${path} uses console`] : [],
    ...path.startsWith("lib/") && areaOf(path) !== "terminal"
      ? ownImports(path, uses).filter(({ target }) => target.startsWith("lib/terminal/")).map(({ target }) =>
        `${path} imports ${target}`
      )
      : [],
  ]));
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
