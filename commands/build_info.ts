/** Set by `scripts/build` with `--define`. */
declare const SATCHEL_VERSION: string | undefined;
declare const SATCHEL_COMMIT: string | undefined;

/** The version, without a `v`. */
export const VERSION: string = typeof SATCHEL_VERSION === "string" ? SATCHEL_VERSION : "0.1.0-dev";

/** The commit that the binary was built from, empty if it is not known. */
export const COMMIT: string = typeof SATCHEL_COMMIT === "string" ? SATCHEL_COMMIT : "";

/** `satchel v1.2.3` and a line feed, whatever the program was started as. */
export function versionLine(): string {
  return `satchel v${VERSION}\n`;
}
