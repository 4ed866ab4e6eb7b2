import { SatchelError } from "../../error.ts";
import type { EbpfObject } from "../object/object.ts";
import { checkMetadata } from "./check.ts";
import { wantedFor } from "./wanted.ts";
import { addMissing } from "./yaml_edit.ts";
import { parseYaml, YamlList, YamlMap, YamlText, type YamlValue } from "./yaml_tree.ts";
import { blockLines, type WrittenMap } from "./yaml_write.ts";

/** What a file may have and still have no content: then everything is added to it. */
const EMPTY = /^(\uFEFF?([ \t]*(#.*)?\r?\n)*[ \t]*(#.*)?)$/;

/**
 * Creates a gadget.yaml for an object, or adds to one what the object has and it does not. Nothing else changes: comments, order and
 * notation stay as they are, entry by entry. What nobody but the author can know becomes a text that begins with `TODO:`.
 *
 * @param text the file; `undefined` if there is none
 * @throws {SatchelError} `invalid` if the file or the object is wrong, or the file is written so that nothing can be added
 */
export function updateMetadata(text: string | undefined, object: EbpfObject): string {
  const wanted = wantedFor(object);
  if (text === undefined) return checked(blockLines(wanted, "", "  ").join("\n") + "\n");
  const isEmpty = EMPTY.test(text);
  if (!isEmpty) expectRight(text);
  const { content, root } = completed(text, wanted);
  const again = completed(content, wanted);
  if (again.content !== content || !again.root || (root && !hasAllOf(again.root, root))) {
    throw new SatchelError(
      "invalid",
      "gadget.yaml is written so that nothing can be added without changing what is there",
      {
        hint: "Write its maps in lines of their own, without ? and anchors",
      },
    );
  }
  return checked(content);
}

function completed(text: string, wanted: WrittenMap): { content: string; root: YamlValue | undefined } {
  const mark = text.startsWith("\uFEFF") ? "\uFEFF" : "";
  const { document, root } = parseYaml(text.slice(mark.length));
  return { content: mark + addMissing(text.slice(mark.length), document, wanted), root };
}

function expectRight(text: string): void {
  const { problems } = checkMetadata(new TextEncoder().encode(text), "gadget.yaml");
  const error = problems.find(({ severity }) => severity === "error");
  if (!error) return;
  const { line, column } = error;
  throw new SatchelError("invalid", `gadget.yaml is wrong: line ${line}, column ${column}: ${error.text}`, {
    hint: "Correct it before it is completed",
  });
}

function checked(content: string): string {
  const { problems } = checkMetadata(new TextEncoder().encode(content), "gadget.yaml");
  const error = problems.find(({ severity }) => severity === "error");
  if (error) throw new SatchelError("invalid", `What gadget.yaml would become is wrong: ${error.text}`);
  return content;
}

/** Whether one tree has all that another one has, with the same texts. */
function hasAllOf(tree: YamlValue | undefined, other: YamlValue): boolean {
  if (other instanceof YamlText) return tree instanceof YamlText && tree.text === other.text;
  if (other instanceof YamlList) {
    return tree instanceof YamlList && other.items.length === tree.items.length &&
      other.items.every((item, index) => hasAllOf(tree.items[index], item));
  }
  if (!(other instanceof YamlMap)) return true;
  return tree instanceof YamlMap &&
    [...other.entries].every(([key, { value }]) => hasAllOf(tree.entries.get(key)?.value, value));
}
