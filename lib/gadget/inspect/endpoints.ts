import { applySettings, type DataSourceField, FieldFlag, type FieldSettings, newField } from "./field.ts";
import { FieldKind } from "./field_kinds.ts";

/** The types of addresses, with and without a port, of Inspektor Gadget (`gadget/types.h`). */
const L3_TAG = "type:gadget_l3endpoint_t";
const L4_TAG = "type:gadget_l4endpoint_t";
const ADDRESS_TAG = "type:gadget_ip_addr_t";

/** Bytes of an address: that of IPv6, which has room for one of IPv4. */
const ADDRESS_SIZE = 16;

/** Says which field is shown in the place of another one. */
const REPLACE_ANNOTATION = "columns.replace";

const RAW = /_raw$/;

/**
 * Adds the texts that are made of addresses to a list of fields: the address itself, and of one with a port its protocol and
 * `ADDRESS:PORT`. What they are made of is hidden but for the whole.
 *
 * @param payloadIndex of the first text
 */
export function addEndpoints(list: DataSourceField[], payloadIndex: number, settings: FieldSettings): void {
  const children = Map.groupBy(list.filter(hasParent), ({ parent }) => parent);
  const wholes = [L3_TAG, L4_TAG].flatMap((tag) => list.filter((field) => field.tags.includes(tag)));
  const known = new Set(list.map(({ fullName }) => fullName));
  let next = payloadIndex;
  const addText = (whole: DataSourceField, name: string, isHidden: boolean): DataSourceField | undefined => {
    const text = newField(list, name, FieldKind.string, whole);
    if (known.has(text.fullName)) return undefined;
    known.add(text.fullName);
    Object.assign(text, { payloadIndex: next++, order: text.index });
    if (isHidden) text.flags |= FieldFlag.hidden;
    applySettings(text, settings);
    list.push(text);
    return text;
  };
  for (const whole of wholes) {
    const parts = partsOf(whole, children.get(whole.index) ?? []);
    if (!parts) continue;
    const address = addText(whole, parts.address.name.replace(RAW, ""), false);
    if (!address) continue;
    whole.annotations[REPLACE_ANNOTATION] = address.fullName;
    hideBelow(whole, children);
    address.flags |= FieldFlag.hidden;
    for (const field of [parts.address, ...children.get(parts.address.index) ?? []]) {
      field.flags |= FieldFlag.unreferenced;
    }
    if (!parts.port) continue;
    if (parts.protocol) addText(whole, parts.protocol.name.replace(RAW, ""), true);
    const endpoint = addText(whole, "endpoint", true);
    if (!endpoint) continue;
    endpoint.tags.push("endpoint");
    endpoint.annotations["json.skip"] = "true";
    whole.annotations[REPLACE_ANNOTATION] = endpoint.fullName;
  }
}

function hasParent({ flags }: DataSourceField): boolean {
  return (flags & FieldFlag.hasParent) !== 0;
}

/** What an address is made of; `undefined` if that is not what it should be. */
function partsOf(whole: DataSourceField, members: readonly DataSourceField[]) {
  const addresses = members.filter(({ tags, size }) => tags.includes(ADDRESS_TAG) && size === ADDRESS_SIZE);
  const named = (name: string) => members.find((member) => member.name === name);
  const [address] = addresses;
  if (!address || addresses.length > 1 || !named("version")) return undefined;
  const port = whole.tags.includes(L4_TAG) ? named("port") : undefined;
  return { address, port, protocol: named("proto_raw") };
}

function hideBelow(field: DataSourceField, children: ReadonlyMap<number, DataSourceField[]>): void {
  for (const child of children.get(field.index) ?? []) {
    child.flags |= FieldFlag.hidden;
    hideBelow(child, children);
  }
}
