// Writes of each process, counted in a map that is read now and then.

typedef unsigned int u32;
typedef unsigned long long u64;

#define SEC(name) __attribute__((section(name), used))

static void *(*map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*map_update_elem)(void *map, const void *key, const void *value, u64 flags) = (void *)2;
static u64 (*get_current_pid_tgid)(void) = (void *)14;
static long (*get_current_comm)(void *text, u32 size) = (void *)16;

struct writer {
	u32 pid;
	char comm[16];
};

struct writing {
	u64 calls;
};

struct {
	int (*type)[1]; // BPF_MAP_TYPE_HASH
	int (*max_entries)[10240];
	struct writer *key;
	struct writing *value;
} writes SEC(".maps");

const void *gadget_mapiter_writes___writes;

SEC("kprobe/vfs_write")
int on_write(void *context)
{
	struct writer writer = { .pid = get_current_pid_tgid() >> 32 };
	struct writing first = { .calls = 1 };
	struct writing *writing;

	get_current_comm(writer.comm, sizeof(writer.comm));
	writing = map_lookup_elem(&writes, &writer);
	if (writing)
		__sync_fetch_and_add(&writing->calls, 1);
	else
		map_update_elem(&writes, &writer, &first, 1 /* BPF_NOEXIST */);
	return 0;
}

char _license[] SEC("license") = "GPL";
