/* What the three files of the load generator share: the lookups to make and the tally of them. */
#ifndef LOADGEN_H
#define LOADGEN_H

#include <stddef.h>
#include <stdint.h>

/* loadgen_targets.c: what to ask for, and what must come back. */
struct target {
    char *request;
    size_t request_length;
    unsigned char *value;
    size_t length;
};

enum outcome { GOOD, BAD_STATUS, WRONG_VALUE, TRUNCATED, TRANSPORT, TIMEOUT, OUTCOMES };

#define INCOMPLETE (-1)

void read_targets(const char *path);
const struct target *next_target(void);
size_t longest_value(void);
/* What the reply is worth, or INCOMPLETE while more may come; reply has room for one byte more. */
int judge(const struct target *target, char *reply, size_t length, int ended);

/* loadgen_tally.c: counting starts with start_tally; what was before it was the warm-up. */
void start_tally(void);
void tally(enum outcome outcome, uint64_t latency_ns);
void tally_connect_retry(void);
void print_tally(void);
uint64_t now_ns(void);

void die(const char *what) __attribute__((noreturn));
void *grow(void *old, size_t size);

#endif
