/**
 * The types of BTF, as the kernel documents them (Documentation/bpf/btf.rst). An `id` is the number of a type, `typeId` that of
 * the type it is about; 0 is `void`.
 */
export type BtfType =
  | BtfVoid
  | BtfInt
  | BtfFloat
  | BtfPointer
  | BtfArray
  | BtfComposite
  | BtfEnum
  | BtfForward
  | BtfModifier
  | BtfFunction
  | BtfPrototype
  | BtfVariable
  | BtfDataSection
  | BtfDeclarationTag;

/** The types of some kind. */
export type BtfOfKind<K extends BtfType["kind"]> = OfKind<BtfType, K>;

/** Takes a union apart: some of its members stand for several kinds. */
type OfKind<T extends BtfType, K> = T extends BtfType ? K extends T["kind"] ? T : never : never;

export interface BtfVoid {
  kind: "void";
  id: 0;
  name: "";
}

export interface BtfInt {
  kind: "int";
  id: number;
  name: string;
  /** Bytes. */
  size: number;
  /** How many of its bits count, and from which one on. */
  bits: number;
  bitOffset: number;
  isSigned: boolean;
  isChar: boolean;
  isBool: boolean;
}

export interface BtfFloat {
  kind: "float";
  id: number;
  name: string;
  /** Bytes. */
  size: number;
}

export interface BtfPointer {
  kind: "ptr";
  id: number;
  name: "";
  typeId: number;
}

export interface BtfArray {
  kind: "array";
  id: number;
  name: "";
  typeId: number;
  indexTypeId: number;
  length: number;
}

export interface BtfMember {
  /** Empty if it is anonymous. */
  name: string;
  typeId: number;
  /** From the beginning of the structure. */
  bitOffset: number;
  /** 0 if it is no bit field. */
  bitSize: number;
}

export interface BtfComposite {
  kind: "struct" | "union";
  id: number;
  /** Empty if it is anonymous. */
  name: string;
  /** Bytes. */
  size: number;
  members: BtfMember[];
}

export interface BtfEnum {
  kind: "enum" | "enum64";
  id: number;
  name: string;
  /** Bytes. */
  size: number;
  isSigned: boolean;
  values: { name: string; value: bigint }[];
}

export interface BtfForward {
  kind: "fwd";
  id: number;
  name: string;
  isUnion: boolean;
}

/** What has another type's size and layout. */
export interface BtfModifier {
  kind: "typedef" | "volatile" | "const" | "restrict" | "type_tag";
  id: number;
  /** Only typedefs and tags have one. */
  name: string;
  typeId: number;
}

export type BtfLinkage = "static" | "global" | "extern";

export interface BtfFunction {
  kind: "func";
  id: number;
  name: string;
  /** Its {@link BtfPrototype}. */
  typeId: number;
  linkage: BtfLinkage;
}

export interface BtfPrototype {
  kind: "func_proto";
  id: number;
  name: "";
  returnTypeId: number;
  /** The last one is without name and type if there may be more. */
  params: { name: string; typeId: number }[];
}

export interface BtfVariable {
  kind: "var";
  id: number;
  name: string;
  typeId: number;
  linkage: BtfLinkage;
}

export interface BtfDataSection {
  kind: "datasec";
  id: number;
  /** That of the section. */
  name: string;
  /** Bytes; 0 as the compiler writes it. */
  size: number;
  /** Their offsets are 0 as the compiler writes them: true ones come from the symbols. */
  variables: { typeId: number; offset: number; size: number }[];
}

export interface BtfDeclarationTag {
  kind: "decl_tag";
  id: number;
  name: string;
  typeId: number;
  /** The member or parameter that has it; -1 if it is the whole type or function. */
  componentIndex: number;
}
