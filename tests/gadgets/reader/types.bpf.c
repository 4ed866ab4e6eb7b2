/* Types of every kind that clang 14 writes into BTF: see tests/e2e/gadget_reader_test.ts. */
#include "bpf.h"

#define TAG(name) __attribute__((btf_decl_tag(name)))
#define TYPE_TAG(name) __attribute__((btf_type_tag(name)))

struct forward;
union forward_union;

typedef struct {
  _Bool yes;
  char letter;
  float small;
  double large;
  __int128 huge;
} TAG("anonymous") numbers;

enum { UNNAMED_A, UNNAMED_B = 1000000 };
enum sign { MINUS = -1, ZERO, PLUS };
enum unsigned_only { TOP = 0xffffffffu };
enum empty_forward;

struct bits {
  u32 one : 1;
  u32 : 5;
  s32 rest : 26;
  u64 wide : 60;
  u8 plain;
  enum sign sign : 2;
};

union either {
  struct {
    u16 low;
    u16 high;
  };
  u32 both;
  struct bits bits;
};

struct all {
  struct forward *forward;
  union forward_union *forward_union;
  enum empty_forward *empty_forward;
  numbers numbers;
  union either either[2][3];
  const volatile int *const restrict pointer;
  int (*callback)(struct all *self, const char *format, ...);
  void (*nothing)(void);
  int TYPE_TAG("user") *tagged;
  u8 flexible[];
} __attribute__((packed));

struct list {
  struct list *next, *previous;
  struct {
    struct list *first;
  } head TAG("member");
};

struct nothing {};

struct all *all;
struct list list TAG("variable");
struct nothing nothing;
enum sign sign = PLUS;
enum unsigned_only top;
const int constant = UNNAMED_B;
static volatile struct bits local_bits;
int array_of_arrays[2][3][4];
extern int outside TAG("extern");
int in_a_section SEC(".data.mine") = 5;

NOINLINE TAG("function") int with_tags(int value TAG("parameter"), struct all *all TAG("second")) {
  return value + (all != 0);
}

static NOINLINE int local(struct list *list) {
  return list->next == list->previous;
}

SEC("socket")
int filter(struct bits *context) {
  local_bits = *context;
  return with_tags(context->rest, all) + local(&list) + (top == TOP) + outside + local_bits.one;
}
