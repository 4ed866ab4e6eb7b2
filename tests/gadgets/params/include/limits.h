#define MAX_PREFIX 16
