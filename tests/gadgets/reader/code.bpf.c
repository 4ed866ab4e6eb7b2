/* Instructions of every kind that clang writes: see tests/e2e/gadget_reader_test.ts. */
#include "bpf.h"

struct {
  NUMBER(type, 1);
  NUMBER(max_entries, 16);
  TYPE(key, u32);
  TYPE(value, u64);
} counts SEC(".maps");

struct {
  NUMBER(type, 3);
  NUMBER(max_entries, 4);
  NUMBER(key_size, 4);
  NUMBER(value_size, 4);
} jumps SEC(".maps");

struct {
  NUMBER(type, 4);
  NUMBER(key_size, 4);
  NUMBER(value_size, 4);
} events SEC(".maps");

struct {
  NUMBER(type, 27);
  NUMBER(max_entries, 4096);
} ring SEC(".maps");

struct file {
  u32 flags;
  struct {
    u64 first;
    u32 narrow : 3;
    u32 wide : 13;
  } inner;
  u16 list[4];
} PRESERVE;

enum colour { RED = 1, BLUE = 7 };

const volatile u32 limit = 10;
const volatile u64 mask = 0x123456789abcdef0ULL;
u64 total = 0;
u32 started = 3;
static volatile u32 hidden_first;
static volatile u32 hidden_second;

extern int CONFIG_HZ __attribute__((section(".kconfig")));
extern int kernel_does(u64 value) __attribute__((section(".ksyms")));
extern void kernel_value __attribute__((section(".ksyms")));

static NOINLINE u64 shared(u64 value) {
  return value * 3 + hidden_second;
}

NOINLINE u64 exported(u32 value) {
  return shared(value) ^ mask;
}

static long each(void *map, const u32 *key, u64 *value, void *context) {
  total += *value;
  return *key > limit;
}

static NOINLINE int remembers(u32 key) {
  u64 now = ktime();
  map_update(&counts, &key, &now, 0);
  return map_lookup(&counts, &key) != 0;
}

SEC("tracepoint/sched/sched_switch")
int arithmetic(s32 *context) {
  u64 a = context[0], b = context[1];
  s64 signed_value = context[2];
  u32 c = context[3];
  a += b - 5;
  a *= 7;
  a /= b | 1;
  b %= 13;
  a |= b << 4;
  a &= b >> 3;
  signed_value >>= 9;
  c = -c + (u32)a * c;
  c /= 10;
  a = -a;
  hidden_first = c;
  hidden_second = __builtin_bswap16(c) + __builtin_bswap32(context[4]);
  total = __builtin_bswap64(a) + signed_value;
  return a > mask;
}

SEC("kprobe/do_unlinkat")
int branches(s32 *context) {
  int result = 0;
  for (int i = 0; i < context[0]; i++) {
    if (context[i & 7] == 5) result += 2;
    else if ((u32)context[i & 7] > 100) result -= context[1];
    else if (context[2] & 8) break;
    else if (context[3] < -3) result ^= context[4];
    else if (context[5] <= context[6]) result++;
  }
  return result + exported(result);
}

SEC("kprobe/vfs_read")
int atomics(u64 *context) {
  u32 key = context[0];
  u64 *count = map_lookup(&counts, &key);
  if (count) {
    __sync_fetch_and_add(count, 1);
    context[1] = __sync_fetch_and_add(count, 2);
    context[2] = __sync_val_compare_and_swap(count, 1, 2);
    context[3] = __sync_lock_test_and_set(count, 7);
    context[4] = __sync_fetch_and_or(count, 5);
    context[5] = __sync_fetch_and_and(count, 6);
    context[6] = __sync_fetch_and_xor(count, 9);
  } else {
    map_update(&counts, &key, context, 0);
  }
  map_delete(&counts, &key);
  return exported(key) + remembers(key);
}

SEC("tp_btf/sched_switch")
int relocated(struct file *file) {
  u64 sum = file->flags + file->inner.first + file->list[2] + limit + started;
  sum += __builtin_preserve_field_info(file->inner.wide, 0) + __builtin_preserve_field_info(file->inner.wide, 3);
  sum += __builtin_preserve_field_info(file->inner.narrow, 4) + __builtin_preserve_field_info(file->inner.narrow, 5);
  sum += __builtin_preserve_field_info(file->list, 2) + __builtin_preserve_field_info(file->list, 1);
  sum += __builtin_preserve_type_info(*(struct file *)0, 0) + __builtin_preserve_type_info(*(struct file *)0, 1);
  sum += __builtin_btf_type_id(*(struct file *)0, 0) + __builtin_btf_type_id(*(struct file *)0, 1);
  sum += __builtin_preserve_enum_value(*(enum colour *)BLUE, 1);
  sum += __builtin_preserve_enum_value(*(enum colour *)RED, 0);
  return sum;
}

SEC("raw_tp/sys_enter")
int outside(void *context) {
  u64 *event = ringbuf_reserve(&ring, 8, 0);
  if (event) {
    *event = pid_tgid();
    ringbuf_submit(event, 0);
  }
  u64 value = CONFIG_HZ + (u64)&kernel_value;
  perf_event_output(context, &events, 0xffffffffULL, &value, sizeof(value));
  for_each(&counts, each, context, 0);
  tail_call(context, &jumps, 2);
  return kernel_does(value);
}
