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

/** `os/architecture[/variant]`, as container tools write it. */
export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = platform;
  return variant ? `${os}/${architecture}/${variant}` : `${os}/${architecture}`;
}
