import type { GadgetKind } from "./files.ts";

/** What a new gadget of some kind has. */
interface StartingPoint {
  source: string;
  /** One line, for gadget.yaml. */
  description: string;
  /** The rest of gadget.yaml. */
  metadata: string;
}

/** What all of them begin with: no header is needed, so that any clang builds them. */
const DECLARATIONS = `typedef unsigned int __u32;
typedef unsigned long long __u64;

// A program or a map by the section that it is in.
#define SEC(name) __attribute__((section(name), used))
`;

/** How maps are declared: their properties are the types of members. */
const MAPS = `// A property of a map: a number is the length of an array.
#define __uint(name, value) int (*name)[value]
#define __type(name, value) value *name
`;

const LICENSE = `
char _license[] SEC("license") = "GPL";
`;

const TRACER = `// One record for each program that is started.

${DECLARATIONS}${MAPS}
// Inspektor Gadget knows what to do with fields of these types.
typedef __u64 gadget_timestamp;
typedef __u32 gadget_pid;
typedef __u32 gadget_uid;
typedef char gadget_comm;

// Helpers of the kernel, by their numbers in include/uapi/linux/bpf.h.
static __u64 (*bpf_get_current_pid_tgid)(void) = (void *)14;
static __u64 (*bpf_get_current_uid_gid)(void) = (void *)15;
static long (*bpf_get_current_comm)(void *buffer, __u32 size) = (void *)16;
static __u64 (*bpf_ktime_get_boot_ns)(void) = (void *)125;
static void *(*bpf_ringbuf_reserve)(void *map, __u64 size, __u64 flags) = (void *)131;
static void (*bpf_ringbuf_submit)(void *data, __u64 flags) = (void *)132;

// A parameter: gadget_param_VARIABLE.
const volatile gadget_uid target_uid = (gadget_uid)-1;
const void *gadget_param_target_uid;

struct event {
	gadget_timestamp timestamp_raw;
	gadget_pid pid;
	gadget_uid uid;
	gadget_comm comm[16];
};

struct {
	__uint(type, 27); // BPF_MAP_TYPE_RINGBUF
	__uint(max_entries, 256 * 1024);
} events SEC(".maps");

// A tracer: gadget_tracer_NAME___MAP___STRUCT. The second line keeps the struct in the object's types.
const void *gadget_tracer_exec___events___event;
const struct event *keep_event;

SEC("tracepoint/sched/sched_process_exec")
int on_exec(void *ctx)
{
	__u32 uid = bpf_get_current_uid_gid();
	struct event *event;

	if (target_uid != (gadget_uid)-1 && target_uid != uid)
		return 0;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event)
		return 0;
	event->timestamp_raw = bpf_ktime_get_boot_ns();
	event->pid = bpf_get_current_pid_tgid() >> 32;
	event->uid = uid;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	bpf_ringbuf_submit(event, 0);
	return 0;
}
${LICENSE}`;

const MAP_ITERATOR = `// How many files each process opens, counted in a map that is read every second.

${DECLARATIONS}${MAPS}
// Inspektor Gadget knows what to do with fields of these types.
typedef __u32 gadget_pid;
typedef char gadget_comm;

// Helpers of the kernel, by their numbers in include/uapi/linux/bpf.h.
static void *(*bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*bpf_map_update_elem)(void *map, const void *key, const void *value, __u64 flags) = (void *)2;
static __u64 (*bpf_get_current_pid_tgid)(void) = (void *)14;
static long (*bpf_get_current_comm)(void *buffer, __u32 size) = (void *)16;

struct process {
	gadget_pid pid;
	gadget_comm comm[16];
};

struct counters {
	__u64 opens;
};

struct {
	__uint(type, 1); // BPF_MAP_TYPE_HASH
	__uint(max_entries, 10240);
	__type(key, struct process);
	__type(value, struct counters);
} processes SEC(".maps");

// A map iterator: gadget_mapiter_NAME___MAP.
const void *gadget_mapiter_opens___processes;

SEC("tracepoint/syscalls/sys_enter_openat")
int on_openat(void *ctx)
{
	struct process process = {};
	struct counters one = { .opens = 1 }, *counters;

	process.pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(process.comm, sizeof(process.comm));
	counters = bpf_map_lookup_elem(&processes, &process);
	if (counters)
		__sync_fetch_and_add(&counters->opens, 1);
	else
		bpf_map_update_elem(&processes, &process, &one, 0);
	return 0;
}
${LICENSE}`;

const ITERATOR = `// All processes that there are at a moment.

${DECLARATIONS}
// Inspektor Gadget knows what to do with fields of these types.
typedef __u32 gadget_pid;
typedef char gadget_comm;

// A helper of the kernel, by its number in include/uapi/linux/bpf.h.
static long (*bpf_seq_write)(void *seq, const void *data, __u32 size) = (void *)127;

// Only the members that are used; where they are in the running kernel is found out when the program is loaded.
#define FROM_KERNEL __attribute__((preserve_access_index))

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
} FROM_KERNEL;

struct task_struct {
	int pid;
	int tgid;
	char comm[16];
} FROM_KERNEL;

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} FROM_KERNEL;

struct process {
	gadget_pid pid;
	gadget_comm comm[16];
};

// An iterator: gadget_iter_NAME___STRUCT___PROGRAM. The second line keeps the struct in the object's types.
const void *gadget_iter_processes___process___list_tasks;
const struct process *keep_process;

SEC("iter/task")
int list_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct process process = {};

	// At the end there is a call without one. Threads are left out.
	if (!task || task->pid != task->tgid)
		return 0;
	process.pid = task->tgid;
	__builtin_memcpy(process.comm, task->comm, sizeof(process.comm));
	bpf_seq_write(ctx->meta->seq, &process, sizeof(process));
	return 0;
}
${LICENSE}`;

export const PROGRAMS: Readonly<Record<GadgetKind, StartingPoint>> = {
  tracer: {
    source: TRACER,
    description: "Show each program that is started",
    metadata: `datasources:
  exec:
    fields:
      comm:
        annotations:
          description: Name of the program
          template: comm
      pid:
        annotations:
          description: Number of the process
          template: pid
      timestamp_raw:
        annotations:
          description: When it was started
          template: timestamp
      uid:
        annotations:
          description: Who started it
          template: uid
params:
  ebpf:
    target_uid:
      key: uid
      defaultValue: "4294967295"
      description: Only show programs of this user; 4294967295 stands for all
      type: uint32
`,
  },
  mapiter: {
    source: MAP_ITERATOR,
    description: "Count the files that each process opens",
    metadata: `datasources:
  opens:
    annotations:
      fetch-interval: 1s
    fields:
      comm:
        annotations:
          description: Name of the program
          template: comm
      opens:
        annotations:
          columns.alignment: right
          columns.width: "20"
          description: How many files it has opened
      pid:
        annotations:
          description: Number of the process
          template: pid
`,
  },
  iter: {
    source: ITERATOR,
    description: "Show all processes",
    metadata: `datasources:
  processes:
    fields:
      comm:
        annotations:
          description: Name of the program
          template: comm
      pid:
        annotations:
          description: Number of the process
          template: pid
`,
  },
};
