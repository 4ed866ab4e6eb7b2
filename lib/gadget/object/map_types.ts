/** The types of maps by the kernel's numbers (`enum bpf_map_type`), by the names that `ig` prints. */
const MAP_TYPES = [
  "UnspecifiedMap",
  "Hash",
  "Array",
  "ProgramArray",
  "PerfEventArray",
  "PerCPUHash",
  "PerCPUArray",
  "StackTrace",
  "CGroupArray",
  "LRUHash",
  "LRUCPUHash",
  "LPMTrie",
  "ArrayOfMaps",
  "HashOfMaps",
  "DevMap",
  "SockMap",
  "CPUMap",
  "XSKMap",
  "SockHash",
  "CGroupStorage",
  "ReusePortSockArray",
  "PerCPUCGroupStorage",
  "Queue",
  "Stack",
  "SkStorage",
  "DevMapHash",
  "StructOpsMap",
  "RingBuf",
  "InodeStorage",
  "TaskStorage",
  "BloomFilter",
  "UserRingbuf",
  "CgroupStorage",
  "Arena",
] as const;

/** The name of a type of map; one that is not known is called by its number, `MapType(99)`. */
export function mapTypeName(type: number): string {
  return MAP_TYPES[type] ?? `MapType(${type})`;
}
