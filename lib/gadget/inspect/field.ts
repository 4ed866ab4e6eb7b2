import {
  DEFAULT_ANNOTATIONS,
  type FieldAnnotations,
  HIDDEN_ANNOTATION,
  TEMPLATE_ANNOTATION,
  templateAnnotations,
} from "./annotations.ts";

/** A field of the records of a data source. */
export interface DataSourceField {
  name: string;
  /** With the names of what it is a member of: `leaf.a`. */
  fullName: string;
  index: number;
  /** Which of the parts of a record it is in: a map iterator's key is the first, its value the second. */
  payloadIndex: number;
  /** From the beginning of that part, in bytes. */
  offs: number;
  /** Bytes; 0 if that differs by record. */
  size: number;
  /** The sum of {@link FieldFlag}s. */
  flags: number;
  /** See `FieldKind`. */
  kind: number;
  tags: string[];
  annotations: FieldAnnotations;
  /** The index of what it is a member of, if `flags` says that it is one. */
  parent: number;
  /** Where it stands among others; 0 where its index says that. */
  order: number;
}

/** What a field is. */
export const FieldFlag = {
  hidden: 4,
  hasParent: 8,
  staticMember: 16,
  /** It cannot be asked for by its name any more. */
  unreferenced: 32,
} as const;

/** What a gadget.yaml says of fields, by their full names. */
export type FieldSettings = ReadonlyMap<string, FieldAnnotations>;

/** A field that is yet to be added to a list: visible, at no place. */
export function newField(
  list: readonly DataSourceField[],
  name: string,
  kind: number,
  parent: DataSourceField | undefined,
): DataSourceField {
  return {
    name,
    fullName: parent ? `${parent.fullName}.${name}` : name,
    index: list.length,
    payloadIndex: 0,
    offs: 0,
    size: 0,
    flags: parent ? FieldFlag.hasParent : 0,
    kind,
    tags: [],
    annotations: { ...DEFAULT_ANNOTATIONS },
    parent: parent?.index ?? 0,
    order: 0,
  };
}

/** Adds to a field's annotations what its template stands for and what gadget.yaml says, and hides it if that is said. */
export function applySettings(field: DataSourceField, settings: FieldSettings): void {
  const said = settings.get(field.fullName) ?? {};
  const { annotations } = field;
  Object.assign(annotations, templateAnnotations(annotations[TEMPLATE_ANNOTATION]));
  Object.assign(annotations, templateAnnotations(said[TEMPLATE_ANNOTATION]), said);
  if (annotations[HIDDEN_ANNOTATION] === "true") field.flags |= FieldFlag.hidden;
}
