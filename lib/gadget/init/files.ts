import { PROGRAMS } from "./programs.ts";

/** What a new gadget may begin as: by where its records come from. */
export const GADGET_KINDS = ["tracer", "mapiter", "iter"] as const;

export type GadgetKind = typeof GADGET_KINDS[number];

/** A file of a new gadget. */
export interface NewFile {
  name: string;
  text: string;
}

/** What names of gadgets are made of: what a repository's name may have (distribution-spec 1.1, "Pulling manifests"). */
export const GADGET_NAME_RULE =
  "lower-case letters and digits, with single dots, hyphens or underscores between them, up to 64";

/** Whether somebody's gadget can have this name, and so can its image. */
export function isGadgetName(name: string): boolean {
  return name.length <= 64 && /^[a-z0-9]+([._-][a-z0-9]+)*$/.test(name);
}

/**
 * The files of a gadget that builds as it is, needs no headers, and does something: for its author to change.
 *
 * @param name see {@link isGadgetName}
 */
export function newGadget(name: string, kind: GadgetKind): NewFile[] {
  const { source, description, metadata } = PROGRAMS[kind];
  return [
    { name: "program.bpf.c", text: source },
    { name: "gadget.yaml", text: topOf(name, description) + metadata },
    { name: "build.yaml", text: BUILD },
  ];
}

function topOf(name: string, description: string): string {
  // A name like 1.0 or null would be no text without quotes.
  return `name: "${name}"\ndescription: ${description}\nhomepageURL: ""\ndocumentationURL: ""\nsourceURL: ""\n`;
}

const BUILD = `# What the gadget is built from; these are the defaults. A Wasm module comes in by a line like
#   wasm: go/program.go
ebpfsource: program.bpf.c
metadata: gadget.yaml
`;
