// Threads that end, one record for each, through a perf event array, as kernels before 5.8 have no ring buffer.

typedef unsigned int u32;
typedef unsigned long long u64;

#define SEC(name) __attribute__((section(name), used))

static u64 (*ktime_get_ns)(void) = (void *)5;
static u32 (*get_smp_processor_id)(void) = (void *)8;
static u64 (*get_current_pid_tgid)(void) = (void *)14;
static long (*perf_event_output)(void *context, void *map, u64 flags, void *data, u64 size) = (void *)25;

enum kind { THREAD, PROCESS };

struct ending {
	u64 time;
	u32 pid;
	u32 tid;
	enum kind kind;
	u32 cpu;
};

struct {
	int (*type)[4]; // BPF_MAP_TYPE_PERF_EVENT_ARRAY
	int (*key_size)[sizeof(u32)];
	int (*value_size)[sizeof(u32)];
} endings SEC(".maps");

const void *gadget_tracer_exits___endings___ending;
const struct ending *keep_ending;

SEC("tracepoint/sched/sched_process_exit")
int on_exit(void *context)
{
	u64 id = get_current_pid_tgid();
	struct ending ending = {
		.time = ktime_get_ns(),
		.pid = id >> 32,
		.tid = (u32)id,
		.kind = id >> 32 == (u32)id ? PROCESS : THREAD,
		.cpu = get_smp_processor_id(),
	};

	perf_event_output(context, &endings, 0xffffffffULL, &ending, sizeof(ending));
	return 0;
}

char _license[] SEC("license") = "GPL";
