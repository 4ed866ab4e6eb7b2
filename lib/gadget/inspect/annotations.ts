/** What is said of a field, by keys. */
export type FieldAnnotations = Record<string, string>;

/** What every field has that says nothing else. */
export const DEFAULT_ANNOTATIONS: Readonly<FieldAnnotations> = {
  "columns.alignment": "left",
  "columns.ellipsis": "end",
  "columns.width": "16",
};

export const HIDDEN_ANNOTATION = "columns.hidden";
export const TEMPLATE_ANNOTATION = "template";

const RIGHT = { "columns.alignment": "right" };
const HIDDEN = { [HIDDEN_ANNOTATION]: "true" };
const width = (value: number) => ({ "columns.width": String(value) });
const minWidth = (value: number) => ({ "columns.minwidth": String(value) });
const maxWidth = (value: number) => ({ "columns.maxwidth": String(value) });
const described = (description: string) => ({ description });

/** What the templates stand for that a gadget.yaml may name, and the typedefs `gadget_NAME`. */
const TEMPLATES: ReadonlyMap<string, Readonly<FieldAnnotations>> = new Map(Object.entries({
  timestamp: { ...width(35), ...maxWidth(35), "columns.ellipsis": "end", ...HIDDEN },
  bytes: { ...width(10), ...RIGHT },
  node: { ...width(30), "columns.ellipsis": "middle" },
  pod: { ...width(30), "columns.ellipsis": "middle" },
  container: width(30),
  namespace: width(30),
  containerImageName: width(30),
  containerImageDigest: width(30),
  containerStartedAt: { ...width(35), ...HIDDEN },
  comm: { ...maxWidth(16), ...described("Process name") },
  pcomm: { ...maxWidth(16), ...HIDDEN, ...described("Parent process name") },
  pid: { ...minWidth(7), ...RIGHT, ...described("Process ID") },
  ppid: { ...minWidth(7), ...RIGHT, ...HIDDEN, ...described("Parent process ID") },
  tid: { ...minWidth(7), ...RIGHT, ...described("Thread ID") },
  uid: { ...minWidth(8), ...RIGHT, ...described("User ID") },
  gid: { ...minWidth(8), ...RIGHT, ...described("Group ID") },
  ns: { ...width(12), ...RIGHT, ...HIDDEN },
  mntns_id: { ...width(12), ...RIGHT, ...HIDDEN, ...described("Mount namespace ID") },
  netns_id: { ...width(12), ...RIGHT, ...HIDDEN, ...described("Network namespace ID") },
  l4endpoint: { ...minWidth(22), ...width(40), ...maxWidth(52) },
  syscall: { ...width(18), ...maxWidth(28) },
  errorString: width(12),
}));

/** What a template stands for; nothing if it is not known. */
export function templateAnnotations(name: string | undefined): Readonly<FieldAnnotations> {
  return name === undefined ? {} : TEMPLATES.get(name) ?? {};
}

/** The typedefs that are a template by themselves. */
const TYPES_WITH_TEMPLATE = new Set([
  "gadget_comm",
  "gadget_gid",
  "gadget_mntns_id",
  "gadget_netns_id",
  "gadget_pcomm",
  "gadget_pid",
  "gadget_ppid",
  "gadget_tid",
  "gadget_timestamp",
  "gadget_uid",
]);

/** Structures that are shown by their members alone, under the members' names. */
const GROUPS = new Set(["gadget_creds", "gadget_parent", "gadget_process", "gadget_user"]);

/** What follows for a field from the names of its type. */
export function typeAnnotations(names: readonly string[]): FieldAnnotations {
  const annotations: FieldAnnotations = {};
  for (const name of names) {
    if (TYPES_WITH_TEMPLATE.has(name)) Object.assign(annotations, templateAnnotations(name.slice("gadget_".length)));
    if (GROUPS.has(name)) Object.assign(annotations, HIDDEN);
  }
  return annotations;
}

/** What follows for a field from the structure that it is a member of. */
export function memberAnnotations(struct: string, member: string): FieldAnnotations {
  return GROUPS.has(struct) ? { "columns.alias": member } : {};
}
