/** The architectures that a gadget is built for, in the order in which its image has them; as Go and the image-spec name them. */
export const ARCHITECTURES = ["amd64", "arm64"] as const;

/** One of {@link ARCHITECTURES}. */
export type Architecture = (typeof ARCHITECTURES)[number];
