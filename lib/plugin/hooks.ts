import type { HookName, SatchelInfo, TransferHookName } from "./contract.ts";

/** The version of the contract that this program speaks. */
export const CONTRACT = 1;

/** The hooks that let an image pass or refuse it. */
export const TRANSFER_HOOKS = [
  "beforePull",
  "afterPull",
  "beforePush",
  "afterPush",
  "beforeExport",
  "afterImport",
] as const satisfies readonly TransferHookName[];

/** The hooks of this version of the contract. */
export const HOOKS = [
  "credentials.get",
  "credentials.store",
  "credentials.erase",
  "credentials.list",
  ...TRANSFER_HOOKS,
  "sign",
  "verify",
] as const satisfies readonly HookName[];

/** What plugins are told about the program. */
export function satchelInfo(version: string): SatchelInfo {
  return { version, hooks: HOOKS };
}

/**
 * The environment of an executable plugin whenever it is called, also as `satchel NAME`: it tells who calls.
 *
 * @param environment what it gets besides
 * @param version the version of satchel
 */
export function executableEnvironment(
  environment: { readonly [name: string]: string | undefined },
  version: string,
): { readonly [name: string]: string | undefined } {
  return {
    ...environment,
    SATCHEL_CONTRACT: String(CONTRACT),
    SATCHEL_VERSION: version,
    SATCHEL_HOOKS: HOOKS.join(","),
  };
}
