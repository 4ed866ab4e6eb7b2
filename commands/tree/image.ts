import { type CommandSpec, OUTPUT_MODES } from "../line/spec.ts";
import { ONE, OUTPUT, POLICY_FLAGS, REFERRERS, TRANSFER_FLAGS } from "./flags.ts";
import { IMAGE_INSPECT } from "./image_inspect.ts";
import { IMAGE_ATTACH, IMAGE_REFERRERS, IMAGE_SIGN, IMAGE_VERIFY } from "./signing.ts";

export const IMAGE: CommandSpec = {
  name: "image",
  short: "Manage gadget images",
  commands: [
    IMAGE_ATTACH,
    {
      name: "build",
      short: "Build a gadget image",
      long:
        "Build a gadget image from the folder PATH.\nIt holds a C source of eBPF (program.bpf.c), a gadget.yaml, and what a build.yaml names.",
      usage: "PATH",
      arguments: ONE,
      completes: "directories",
      flags: [
        { name: "btfgen", type: "bool", usage: "Add BTFs for kernels that have none; needs --btfhub-archive" },
        {
          name: "btfhub-archive",
          type: "string",
          usage: "Path of a copy of the btfhub-archive repository",
          values: "directories",
        },
        {
          name: "builder-image",
          type: "string",
          usage: "Image of the container to build in",
          default: "ghcr.io/inspektor-gadget/gadget-builder:main",
        },
        {
          name: "builder-image-pull",
          type: "string",
          usage: "When the builder image is pulled, possible values are, always, missing, never",
          default: "always",
          values: ["always", "missing", "never"],
        },
        {
          name: "builder-version",
          type: "string",
          usage: "What the image says its builder is, which ig compares with its own version",
        },
        { name: "cflags", type: "stringArray", usage: "More flags for clang, split like words of a shell" },
        {
          name: "engine",
          type: "string",
          usage: "Program that runs the container, docker or podman; without it, the one that answers",
          values: ["docker", "podman"],
        },
        {
          name: "file",
          short: "f",
          type: "string",
          usage: "Path of the build.yaml (default PATH/build.yaml, which need not be there)",
          values: "files",
        },
        {
          name: "format",
          type: "string",
          usage: `Form of the result, possible values are, ${OUTPUT_MODES.join(", ")}`,
          default: "columns",
          values: OUTPUT_MODES,
        },
        { name: "local", short: "l", type: "bool", usage: "Build by programs of this host, without a container" },
        {
          name: "output",
          short: "o",
          type: "string",
          usage: "Folder to keep generated files in",
          values: "directories",
        },
        {
          name: "reproducible",
          type: "bool",
          usage: "Make the digest independent of the folder of the sources and of the time",
        },
        { name: "strict", type: "bool", usage: "Take warnings of build.yaml and gadget.yaml for errors" },
        {
          name: "tag",
          short: "t",
          type: "string",
          usage: "Name of the image; without it, it is stored without a name",
        },
        {
          name: "update-metadata",
          type: "bool",
          usage: "Create gadget.yaml, or add to it what the eBPF program has",
        },
        {
          name: "validate-metadata",
          type: "bool",
          usage: "Check gadget.yaml, also against the eBPF program",
          default: "true",
        },
      ],
      load: () => import("../image/build.ts"),
    },
    {
      name: "copy",
      aliases: ["cp"],
      short: "Copy an image from SRC to DST",
      long:
        "Copy an image from SRC to DST.\nEach of them is REGISTRY/NAME:TAG, store:NAME (the local store), archive:FILE[#NAME] or dir:FOLDER[#NAME] (an OCI\n" +
        "image layout). DST keeps the tag of SRC unless it names another one, and without a name the whole name.",
      usage: "SRC DST",
      arguments: { min: 2, max: 2 },
      completes: "images",
      flags: [
        ...TRANSFER_FLAGS,
        ...POLICY_FLAGS,
        { name: "all-tags", type: "bool", usage: "Copy every tag of the repository SRC to the repository DST" },
        { name: "dry-run", type: "bool", usage: "Say what would move and how many bytes, and write nothing" },
        { name: "platform", type: "strings", usage: "Platforms that are needed, as os/architecture[/variant]" },
        {
          name: "sparse",
          type: "bool",
          usage:
            "Leave out the content of all platforms but those of --platform; indexes and their signatures stay valid",
        },
      ],
      load: () => import("../image/copy.ts"),
    },
    {
      name: "export",
      short: "Export the SRC_IMAGE images to DST_FILE",
      long: "Export the SRC_IMAGE images to DST_FILE.\nIt becomes a tar with an OCI image layout; - is stdout.",
      usage: "SRC_IMAGE [SRC_IMAGE n] DST_FILE",
      // How many it needs depends on --all.
      arguments: { min: 0, max: Infinity },
      completes: "images",
      flags: [
        {
          name: "all",
          short: "a",
          type: "bool",
          usage: "Export every image that has a name; DST_FILE is the only argument",
        },
        {
          name: "have",
          type: "stringArray",
          usage: "Leave out what the other side has, by what store inventory printed there",
          values: "files",
        },
        OUTPUT,
        { name: "platform", type: "strings", usage: "Platforms that are needed, as os/architecture[/variant]" },
        { ...REFERRERS, usage: "Export what refers to an image too: signatures, attestations, SBOMs" },
        {
          name: "sparse",
          type: "bool",
          usage:
            "Leave out the content of all platforms but those of --platform; indexes and their signatures stay valid",
        },
        {
          name: "volume-size",
          type: "string",
          usage: "Write files of at most this size, as 4GB or 4GiB: DST_FILE.001, DST_FILE.002, ...",
        },
      ],
      load: () => import("../image/export.ts"),
    },
    {
      name: "import",
      short: "Import images from SRC_FILE",
      long:
        "Import images from SRC_FILE.\nIt is an archive as image export, docker save and other tools write it, plain, or compressed " +
        "with gzip or zstd;\na folder with an image layout; or - for stdin.",
      usage: "SRC_FILE",
      arguments: ONE,
      flags: [
        {
          name: "name",
          type: "string",
          usage:
            "Repository for images whose name in the archive is a tag alone; with :TAG, the name for one without a name",
        },
        OUTPUT,
        ...POLICY_FLAGS,
        { ...REFERRERS, usage: "Import what refers to an image too: signatures, attestations, SBOMs" },
        {
          name: "tag",
          type: "stringArray",
          usage: "Import the image SRC under another name, as SRC=DST; SRC may be a digest",
        },
      ],
      load: () => import("../image/import.ts"),
    },
    {
      name: "init",
      short: "Write a gadget to start from",
      long:
        "Write a gadget that builds as it is to the new folder NAME: its program, gadget.yaml and build.yaml.\nNothing is overwritten.",
      usage: "NAME",
      arguments: ONE,
      flags: [
        {
          name: "directory",
          type: "string",
          usage: "Folder to write to, instead of NAME; it may be there if it is empty",
          values: "directories",
        },
        {
          name: "kind",
          type: "string",
          usage: "Where its records come from, possible values are, tracer, mapiter, iter",
          default: "tracer",
          values: ["tracer", "mapiter", "iter"],
        },
      ],
      load: () => import("../image/init.ts"),
    },
    IMAGE_INSPECT,
    {
      name: "list",
      aliases: ["ls"],
      short: "List gadget images on the host",
      usage: "[IMAGE...]",
      arguments: { min: 0, max: Infinity },
      completes: "images",
      flags: [
        { name: "all", short: "a", type: "bool", usage: "List attachments and untagged images too" },
        { name: "no-trunc", type: "bool", usage: "Don't truncate output" },
        OUTPUT,
      ],
      load: () => import("../image/list.ts"),
    },
    {
      name: "pull",
      short: "Pull the specified image from a remote registry",
      usage: "IMAGE",
      arguments: ONE,
      flags: [...TRANSFER_FLAGS, ...POLICY_FLAGS],
      load: () => import("../image/pull.ts"),
    },
    {
      name: "push",
      short: "Push the specified image to a remote registry",
      usage: "IMAGE",
      arguments: ONE,
      completes: "images",
      flags: TRANSFER_FLAGS,
      load: () => import("../image/push.ts"),
    },
    IMAGE_REFERRERS,
    {
      name: "remove",
      aliases: ["rm"],
      suggestFor: ["delete", "del"],
      short: "Remove local gadget image",
      usage: "IMAGE",
      arguments: ONE,
      completes: "images",
      flags: [OUTPUT],
      load: () => import("../image/remove.ts"),
    },
    IMAGE_SIGN,
    {
      name: "tag",
      short: "Tag the local SRC_IMAGE image with the DST_IMAGE",
      usage: "SRC_IMAGE DST_IMAGE",
      arguments: { min: 2, max: 2 },
      completes: "images",
      flags: [OUTPUT],
      load: () => import("../image/tag.ts"),
    },
    IMAGE_VERIFY,
  ],
};
