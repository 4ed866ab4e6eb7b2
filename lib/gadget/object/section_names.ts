/**
 * How a program is attached, by the name of its section, as libbpf documents it ("Program types and ELF sections"). A name
 * that ends in `/` here is followed by what the program is attached to.
 */
const SECTION_TYPES: readonly [prefix: string, type: ProgramType][] = [
  ["kprobe/", "Kprobe"],
  ["kretprobe/", "Kprobe"],
  ["kprobe.multi/", "Kprobe"],
  ["kretprobe.multi/", "Kprobe"],
  ["kprobe.session/", "Kprobe"],
  ["uprobe/", "Kprobe"],
  ["uprobe.s/", "Kprobe"],
  ["uretprobe/", "Kprobe"],
  ["uretprobe.s/", "Kprobe"],
  ["uprobe.multi/", "Kprobe"],
  ["uretprobe.multi/", "Kprobe"],
  ["ksyscall/", "Kprobe"],
  ["kretsyscall/", "Kprobe"],
  ["usdt/", "Kprobe"],
  ["tracepoint/", "TracePoint"],
  ["tp/", "TracePoint"],
  ["raw_tracepoint/", "RawTracepoint"],
  ["raw_tp/", "RawTracepoint"],
  ["raw_tracepoint.w/", "RawTracepointWritable"],
  ["raw_tp.w/", "RawTracepointWritable"],
  ["tp_btf/", "Tracing"],
  ["fentry/", "Tracing"],
  ["fentry.s/", "Tracing"],
  ["fexit/", "Tracing"],
  ["fexit.s/", "Tracing"],
  ["fmod_ret/", "Tracing"],
  ["fmod_ret.s/", "Tracing"],
  ["iter/", "Tracing"],
  ["iter.s/", "Tracing"],
  ["freplace/", "Extension"],
  ["lsm/", "LSM"],
  ["lsm.s/", "LSM"],
  ["lsm_cgroup/", "LSM"],
  ["perf_event", "PerfEvent"],
  ["socket", "SocketFilter"],
  ["tc/", "SchedCLS"],
  ["tc", "SchedCLS"],
  ["tcx/", "SchedCLS"],
  ["netkit/", "SchedCLS"],
  ["classifier", "SchedCLS"],
  ["action", "SchedACT"],
  ["xdp", "XDP"],
  ["xdp.frags", "XDP"],
  ["lwt_in", "LWTIn"],
  ["lwt_out", "LWTOut"],
  ["lwt_xmit", "LWTXmit"],
  ["lwt_seg6local", "LWTSeg6Local"],
  ["sockops", "SockOps"],
  ["sk_skb", "SkSKB"],
  ["sk_msg", "SkMsg"],
  ["sk_lookup", "SkLookup"],
  ["sk_reuseport", "SkReuseport"],
  ["lirc_mode2", "LircMode2"],
  ["flow_dissector", "FlowDissector"],
  ["cgroup_skb/", "CGroupSKB"],
  ["cgroup/skb", "CGroupSKB"],
  ["cgroup/sock", "CGroupSock"],
  ["cgroup/post_bind", "CGroupSock"],
  ["cgroup/bind", "CGroupSockAddr"],
  ["cgroup/connect", "CGroupSockAddr"],
  ["cgroup/sendmsg", "CGroupSockAddr"],
  ["cgroup/recvmsg", "CGroupSockAddr"],
  ["cgroup/getpeername", "CGroupSockAddr"],
  ["cgroup/getsockname", "CGroupSockAddr"],
  ["cgroup/sysctl", "CGroupSysctl"],
  ["cgroup/getsockopt", "CGroupSockopt"],
  ["cgroup/setsockopt", "CGroupSockopt"],
  ["cgroup/dev", "CGroupDevice"],
  ["struct_ops", "StructOps"],
  ["syscall", "Syscall"],
  ["netfilter", "Netfilter"],
];

/** The kinds of programs that the kernel knows, by the names that `ig` prints. */
export type ProgramType =
  | "UnspecifiedProgram"
  | "SocketFilter"
  | "Kprobe"
  | "SchedCLS"
  | "SchedACT"
  | "TracePoint"
  | "XDP"
  | "PerfEvent"
  | "CGroupSKB"
  | "CGroupSock"
  | "LWTIn"
  | "LWTOut"
  | "LWTXmit"
  | "SockOps"
  | "SkSKB"
  | "CGroupDevice"
  | "SkMsg"
  | "RawTracepoint"
  | "CGroupSockAddr"
  | "LWTSeg6Local"
  | "LircMode2"
  | "SkReuseport"
  | "FlowDissector"
  | "CGroupSysctl"
  | "RawTracepointWritable"
  | "CGroupSockopt"
  | "Tracing"
  | "StructOps"
  | "Extension"
  | "LSM"
  | "SkLookup"
  | "Syscall"
  | "Netfilter";

/**
 * The kind of the programs in a section; `UnspecifiedProgram` if its name says none, as that of a section of subprograms.
 *
 * @example
 * ```ts
 * programTypeOf("tracepoint/syscalls/sys_enter_openat"); // "TracePoint"
 * ```
 */
export function programTypeOf(section: string): ProgramType {
  // libbpf of old took `?` for "not to be loaded by itself".
  const name = section.replace(/^\?/, "");
  const fits = (prefix: string) => name.startsWith(prefix) || name === prefix.replace(/\/$/, "");
  const longest = SECTION_TYPES.filter(([prefix]) => fits(prefix)).sort(([a], [b]) => b.length - a.length)[0];
  return longest?.[1] ?? "UnspecifiedProgram";
}
