// All tasks, one record for each, by an iterator.

typedef unsigned int u32;
typedef unsigned long long u64;

#define SEC(name) __attribute__((section(name), used))
// Where the kernel has these members is known when the program is loaded.
#define OF_THE_KERNEL __attribute__((preserve_access_index))

static long (*seq_write)(void *seq, const void *data, u32 length) = (void *)127;

struct bpf_iter_meta {
	void *seq;
} OF_THE_KERNEL;

struct task_struct {
	int pid;
	int tgid;
	char comm[16];
} OF_THE_KERNEL;

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} OF_THE_KERNEL;

struct row {
	u32 pid;
	u32 tid;
	char comm[16];
};

const void *gadget_iter_tasks___row___list_tasks;
const struct row *keep_row;

SEC("iter/task")
int list_tasks(struct bpf_iter__task *step)
{
	struct task_struct *task = step->task;
	struct row row = {};

	if (!task)
		return 0;
	row.pid = task->tgid;
	row.tid = task->pid;
	for (u32 at = 0; at < sizeof(row.comm); at++)
		row.comm[at] = task->comm[at];
	seq_write(step->meta->seq, &row, sizeof(row));
	return 0;
}

char _license[] SEC("license") = "GPL";
