import { TEMPLATE_ANNOTATION } from "./annotations.ts";
import { addEndpoints } from "./endpoints.ts";
import { applySettings, type DataSourceField, FieldFlag, type FieldSettings, newField } from "./field.ts";
import { FieldKind } from "./field_kinds.ts";

/** Something that turns what a field has into text, which is a field of its own. */
interface Formatter {
  /** Which fields: a tag that they have, or that they are enumerations. */
  of: string;
  /** The annotation that names the text's field; else it has the name of the field without `_raw`. */
  target: string;
  /** The template of the text's field. */
  template?: string;
  /** The kind that fields have to have. */
  kind?: number;
  /** Whether the field is hidden even if there is no name for a text. */
  alwaysHides?: boolean;
}

const ENUM = "enum";

/** In the order that they are asked in. */
const FORMATTERS: readonly Formatter[] = [
  { of: ENUM, target: "ebpf.formatter.enum", alwaysHides: true },
  { of: "type:gadget_kernel_stack", target: "ebpf.formatter.kstack", alwaysHides: true },
  { of: "type:gadget_signal", target: "formatters.signal.target" },
  { of: "type:gadget_errno", target: "formatters.errno.target", template: "errorString" },
  { of: "type:gadget_syscall", target: "formatters.syscall.target", kind: FieldKind.uint64 },
  { of: "type:gadget_timestamp", target: "formatters.timestamp.target", template: "timestamp" },
  { of: "type:gadget_bytes", target: "formatters.bytes.target", template: "bytes" },
  { of: "type:gadget_duration", target: "formatters.duration.target", template: "duration" },
];

const RAW = "_raw";

/**
 * Adds the texts that are made of fields (`timestamp` of `timestamp_raw`) to a list of fields, and hides what they are made of.
 *
 * @param enums the fields that are enumerations
 * @param payloadIndex of the first text
 */
export function addFormatted(
  list: DataSourceField[],
  enums: ReadonlySet<DataSourceField>,
  payloadIndex: number,
  settings: FieldSettings,
): void {
  const known = new Set(list.map(({ fullName }) => fullName));
  const originals = [...list];
  let next = payloadIndex;
  for (const formatter of FORMATTERS) {
    for (const field of originals) {
      const fits = formatter.of === ENUM ? enums.has(field) : field.tags.includes(formatter.of);
      if (!fits || (formatter.kind !== undefined && field.kind !== formatter.kind)) continue;
      if (formatter.alwaysHides) field.flags |= FieldFlag.hidden;
      const name = targetName(field, formatter);
      if (name === undefined) continue;
      const text = textField(list, field, name, formatter.template);
      if (known.has(text.fullName)) continue;
      known.add(text.fullName);
      text.payloadIndex = next++;
      applySettings(text, settings);
      field.flags |= FieldFlag.hidden;
      list.push(text);
    }
  }
  addEndpoints(list, next, settings);
}

function targetName({ name, annotations }: DataSourceField, { target }: Formatter): string | undefined {
  return annotations[target] ?? (name.endsWith(RAW) ? name.slice(0, -RAW.length) : undefined);
}

function textField(
  list: readonly DataSourceField[],
  field: DataSourceField,
  name: string,
  template: string | undefined,
): DataSourceField {
  const hasParent = (field.flags & FieldFlag.hasParent) !== 0;
  const text = newField(list, name, FieldKind.string, hasParent ? list[field.parent] : undefined);
  text.order = text.index;
  if (template !== undefined) text.annotations[TEMPLATE_ANNOTATION] = template;
  return text;
}
