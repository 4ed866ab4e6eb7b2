// Signals that processes send, one record for each, through a ring buffer.

typedef unsigned int u32;
typedef unsigned long long u64;

#define SEC(name) __attribute__((section(name), used))

static void *(*ringbuf_reserve)(void *map, u64 size, u64 flags) = (void *)131;
static void (*ringbuf_submit)(void *data, u64 flags) = (void *)132;
static u64 (*get_current_pid_tgid)(void) = (void *)14;
static u64 (*get_current_uid_gid)(void) = (void *)15;
static long (*get_current_comm)(void *text, u32 size) = (void *)16;

struct signal {
	u32 pid;
	u32 uid;
	char comm[16];
	int target;
	int number;
};

struct {
	int (*type)[27]; // BPF_MAP_TYPE_RINGBUF
	int (*max_entries)[256 * 1024];
} events SEC(".maps");

const void *gadget_tracer_signals___events___signal;
const struct signal *keep_signal;

// /sys/kernel/tracing/events/syscalls/sys_enter_kill/format
struct sys_enter_kill {
	u64 common;
	u64 number;
	u64 pid;
	u64 signal;
};

SEC("tracepoint/syscalls/sys_enter_kill")
int on_kill(struct sys_enter_kill *call)
{
	struct signal *signal = ringbuf_reserve(&events, sizeof(*signal), 0);

	if (!signal)
		return 0;
	signal->pid = get_current_pid_tgid() >> 32;
	signal->uid = (u32)get_current_uid_gid();
	signal->target = (int)call->pid;
	signal->number = (int)call->signal;
	get_current_comm(signal->comm, sizeof(signal->comm));
	ringbuf_submit(signal, 0);
	return 0;
}

char _license[] SEC("license") = "GPL";
