/* For machines other than eBPF: sections, symbols and relocations of 32 and 64 bits. */
extern int outside;
int initialized = 3;
static int zeroed;
const char text[] = "text";

int add(int value) {
  return value + initialized + zeroed + outside;
}

int (*pointer)(int) = add;
int *behind = &initialized + 2;
