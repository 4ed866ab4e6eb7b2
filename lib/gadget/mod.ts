/**
 * What a gadget is made of: the eBPF object with its types (ELF and BTF), and gadget.yaml. Here is all that knows of Inspektor
 * Gadget's own formats. It must not know of registries, stores, or how anything is shown.
 *
 * @module
 */
export * from "./btf/btf.ts";
export * from "./btf/btf_ext.ts";
export * from "./btf/types.ts";
export { type Architecture, ARCHITECTURES } from "./build/architectures.ts";
export { type BuildFile, type FileProblem, readBuildFile } from "./build/build_file.ts";
export {
  type ArchitectureParts,
  type ImageParts,
  type PackedContent,
  type PackedImage,
  type PackedMetadata,
  packGadget,
} from "./build/pack.ts";
export { type PlanOptions, planSteps } from "./build/plan.ts";
export { type RunOptions, runSteps, type StepFailure } from "./build/run.ts";
export { findSource, type GadgetSource } from "./build/source.ts";
export type { BuildPlaces, BuildStep, StepResult, StepRunner } from "./build/step.ts";
export * from "./elf/elf.ts";
export { type GadgetParts, type InspectContent, inspectGadget, typedName } from "./inspect/contents.ts";
export { type DataSource, encodeDataSources, readDataSources } from "./inspect/data_sources.ts";
export { type DataSourceField, FieldFlag } from "./inspect/field.ts";
export { FieldKind, kindName } from "./inspect/field_kinds.ts";
export * from "./inspect/summary.ts";
export { isWasm, MAX_WASM_SIZE, readWasm, type WasmModule, type WasmVersion } from "./inspect/wasm.ts";
export * from "./media_types.ts";
export { MAX_METADATA_SIZE } from "./metadata/bounds.ts";
export { GADGET_KINDS, type GadgetKind, isGadgetName, type NewFile, newGadget } from "./init/files.ts";
export * from "./metadata/check.ts";
export * from "./metadata/lenient.ts";
export * from "./object/disassemble.ts";
export { type MapOperation, type MapUse, mapUses } from "./object/map_uses.ts";
export * from "./object/maps.ts";
export * from "./object/markers.ts";
export * from "./object/object.ts";
export { type ObjectParam, type ParamTypeName, readParam, readParams } from "./object/params.ts";
export { type ProgramType, programTypeOf } from "./object/section_names.ts";
export { typeText } from "./object/type_text.ts";
