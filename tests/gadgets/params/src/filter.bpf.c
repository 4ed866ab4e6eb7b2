// Parameters of several types, which user space sets before the program is loaded.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "limits.h"

const volatile __u32 pid = 0;
const volatile __s64 threshold = DEFAULT_THRESHOLD;
const volatile _Bool verbose = 1;
const volatile char prefix[MAX_PREFIX] = "";

const void *gadget_param_pid;
const void *gadget_param_threshold;
const void *gadget_param_verbose;
const void *gadget_param_prefix;

__u64 hits;

SEC("raw_tracepoint/sched_switch")
int on_switch(void *ctx)
{
	if (pid && pid != bpf_get_current_pid_tgid() >> 32)
		return 0;
	if (prefix[0] || verbose || threshold < 0)
		__sync_fetch_and_add(&hits, 1);
	return 0;
}

char _license[] SEC("license") = "GPL";
