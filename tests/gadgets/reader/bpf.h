/* What the sources here need of eBPF, so that no header has to be on the machine. */
#pragma once

typedef signed char s8;
typedef unsigned char u8;
typedef short s16;
typedef unsigned short u16;
typedef int s32;
typedef unsigned int u32;
typedef long long s64;
typedef unsigned long long u64;

#define SEC(name) __attribute__((section(name), used))
#define NOINLINE __attribute__((noinline))
#define PRESERVE __attribute__((preserve_access_index))

/* How a map is declared for libbpf: numbers are lengths of arrays. */
#define NUMBER(name, value) int(*name)[value]
#define TYPE(name, value) typeof(value) *name

static void *(*map_lookup)(void *map, const void *key) = (void *)1;
static long (*map_update)(void *map, const void *key, const void *value, u64 flags) = (void *)2;
static long (*map_delete)(void *map, const void *key) = (void *)3;
static u64 (*ktime)(void) = (void *)5;
static long (*tail_call)(void *context, void *map, u32 index) = (void *)12;
static u64 (*pid_tgid)(void) = (void *)14;
static long (*perf_event_output)(void *context, void *map, u64 flags, void *data, u64 size) = (void *)25;
static void *(*ringbuf_reserve)(void *map, u64 size, u64 flags) = (void *)131;
static void (*ringbuf_submit)(void *data, u64 flags) = (void *)132;
static long (*for_each)(void *map, void *callback, void *context, u64 flags) = (void *)164;

char gpl[] SEC("license") = "GPL";
