import { dirname, extname, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { SatchelError, systemCode, withContext } from "../error.ts";
import { printable } from "../printable.ts";
import { syntaxErrorText, toJavaScript } from "../runtime/typescript.ts";
import { readSmallFile } from "../small_file.ts";
import { type Accounts, checkTrust, systemAccounts } from "../trust/mod.ts";

/** The most that one file of a plugin may have, in bytes; a bundle of many packages has less. */
const MAX_FILE_SIZE = 4 * 1024 * 1024;

/** The most files of one plugin. */
const MAX_FILES = 1000;

/** How each kind of file becomes a module in JavaScript. */
const READERS: Readonly<Record<string, (text: string) => string>> = {
  ".ts": toJavaScript,
  ".js": (text) => text,
  ".mjs": (text) => text,
  // Parsed when it is evaluated: as source, a member __proto__ would be the prototype.
  ".json": (text) => `export default JSON.parse(${JSON.stringify(JSON.stringify(JSON.parse(text)))});`,
};

/** One file of a plugin, as a module in JavaScript. */
export interface ModuleFile {
  /** `file:///...`, by its real path: what stands under two names is one module. */
  url: string;
  source: string;
}

/** Reads the files of one plugin, each under the same rules as the plugin itself. */
export interface ModuleFiles {
  /**
   * @param specifier what stands behind `from`: a relative or absolute path, or a `file:` URL
   * @param referrer the `url` of the file that it stands in; without one, `specifier` is absolute
   * @throws {SatchelError} `refused` if somebody else could have put the file there, `plugin` if there is none, or none that can be read
   */
  read(specifier: string, referrer?: string): ModuleFile;
}

/** Opens the files of one plugin. */
export function openModuleFiles(): ModuleFiles {
  const accounts = systemAccounts();
  const byPath = new Map<string, ModuleFile>();
  const byRealPath = new Map<string, ModuleFile>();

  function readNew(path: string, specifier: string): ModuleFile {
    const real = realPath(path, specifier, accounts);
    const earlier = byRealPath.get(real);
    if (earlier) return earlier;
    if (byRealPath.size === MAX_FILES) throw new SatchelError("plugin", `it has more than ${MAX_FILES} files`);
    const file = { url: pathToFileURL(real).href, source: readSource(real) };
    byRealPath.set(real, file);
    return file;
  }

  return {
    read(specifier, referrer) {
      const path = pathOf(specifier, referrer);
      const file = byPath.get(path) ?? readNew(path, specifier);
      byPath.set(path, file);
      return file;
    },
  };
}

function pathOf(specifier: string, referrer: string | undefined): string {
  if (/^\.{0,2}\//.test(specifier)) {
    return resolve(referrer === undefined ? "/" : dirname(fileURLToPath(referrer)), specifier);
  }
  try {
    // Throws for every URL but those of local files.
    return fileURLToPath(specifier);
  } catch (cause) {
    throw new SatchelError("plugin", `it imports ${quoted(specifier)}, and only files are imported`, {
      hint: "Import files by their paths, and what the runtime has as `node:NAME`; bundle packages into the plugin.",
      cause,
    });
  }
}

function realPath(path: string, specifier: string, accounts: Accounts): string {
  try {
    return checkTrust(path, { accounts });
  } catch (error) {
    throw withContext(`it imports ${quoted(specifier)}`, error);
  }
}

function readSource(path: string): string {
  const reader = READERS[extname(path)];
  if (!reader) {
    throw new SatchelError(
      "plugin",
      `${printable(path)} is no module: names of modules end in ${Object.keys(READERS).join(", ")}`,
    );
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(readSmallFile(path, MAX_FILE_SIZE));
  } catch (cause) {
    if (cause instanceof SatchelError) throw cause;
    throw new SatchelError("plugin", `cannot read ${printable(path)}: ${systemCode(cause) ?? "it is not UTF-8"}`, {
      cause,
    });
  }
  try {
    return reader(text);
  } catch (cause) {
    throw new SatchelError("plugin", `${printable(path)}:${printable(syntaxErrorText(cause))}`, { cause });
  }
}

function quoted(specifier: string): string {
  return JSON.stringify(printable(specifier, 200));
}
