import { SatchelError } from "../error.ts";
import { printable } from "../printable.ts";
import { isJsonObject } from "./json.ts";

/** The machine that an image is for (image-spec 1.1, image-index.md, `platform`). */
export interface Platform {
  architecture: string;
  os: string;
  "os.version"?: string;
  "os.features"?: string[];
  variant?: string;
}

/** Checks a platform from outside; `undefined` if it is not one. */
export function parsePlatform(value: unknown): Platform | undefined {
  if (!isJsonObject(value)) return undefined;
  const { architecture, os, variant } = value;
  if (typeof architecture !== "string" || typeof os !== "string") return undefined;
  const platform: Platform = { architecture, os };
  if (typeof value["os.version"] === "string") platform["os.version"] = value["os.version"];
  const features = value["os.features"];
  if (Array.isArray(features)) {
    platform["os.features"] = features.filter((feature): feature is string => typeof feature === "string");
  }
  if (typeof variant === "string") platform.variant = variant;
  return platform;
}

/**
 * Reads `os/architecture[/variant]`, as container tools take it.
 *
 * @throws {SatchelError} `usage`
 */
export function readPlatform(text: string): Platform {
  const [os, architecture, variant, ...rest] = text.split("/");
  if (!/^[a-z0-9._-]+(?:\/[a-z0-9._-]+){1,2}$/i.test(text) || rest.length > 0) {
    throw new SatchelError(
      "usage",
      `${printable(JSON.stringify(text), 100)} is not a platform: os/architecture[/variant]`,
      {
        hint: "linux/amd64 is one.",
      },
    );
  }
  return variant === undefined ? { architecture, os } : { architecture, os, variant };
}

/** Whether a platform is the one that was asked for; one without a variant stands for all variants. */
export function matchesPlatform(platform: Platform, wanted: Platform): boolean {
  return platform.os === wanted.os && platform.architecture === wanted.architecture &&
    (wanted.variant === undefined || platform.variant === wanted.variant);
}

/** `os/architecture[/variant]`, as container tools write it. */
export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = platform;
  return variant ? `${os}/${architecture}/${variant}` : `${os}/${architecture}`;
}
