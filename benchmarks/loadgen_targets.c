/* The lookups that the load generator makes, and its judgement of the replies.
 *
 * The file of ids has a line "ID HEX" for each secret, HEX being its value's bytes: a server that
 * answers fast and wrongly must not look good.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loadgen.h"

static struct target *targets;
static size_t count, next, longest;

static void refuse(const char *what)
{
    errno = EINVAL;
    die(what);
}

static unsigned char digit(char c)
{
    const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c) : NULL;
    if (!at) refuse("ids file: a value that is not lower-case hex");
    return (unsigned char)(at - digits);
}

static void read_value(struct target *t, const char *hex)
{
    t->length = strlen(hex) / 2;
    t->value = grow(NULL, t->length + 1);
    for (size_t i = 0; i < t->length; i++)
        t->value[i] = (unsigned char)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
    if (t->length > longest) longest = t->length;
}

/* The request is byte for byte what the driver command's curl sends. */
static void add_target(const char *id, const char *hex)
{
    targets = grow(targets, (count + 1) * sizeof *targets);
    struct target *t = &targets[count++];
    read_value(t, hex);
    int n = asprintf(&t->request,
                     "GET /lookup/%s HTTP/1.1\r\nHost: localhost\r\n"
                     "User-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n",
                     id);
    if (n < 0) die("memory");
    t->request_length = (size_t)n;
}

void read_targets(const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file) die(path);
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, file) > 0) {
        char *id = strtok(line, " \n"), *hex = strtok(NULL, " \n");
        if (!id || !hex) refuse("ids file: a line that is not 'ID HEX'");
        add_target(id, hex);
    }
    free(line);
    fclose(file);
    if (!count) refuse("ids file: it is empty");
}

const struct target *next_target(void)
{
    return &targets[next++ % count];
}

size_t longest_value(void)
{
    return longest;
}

int judge(const struct target *target, char *reply, size_t length, int ended)
{
    reply[length] = '\0';
    const char *end = memmem(reply, length, "\r\n\r\n", 4);
    if (!end) return ended ? TRUNCATED : INCOMPLETE;
    if (strncmp(reply, "HTTP/1.", 7) || strncmp(reply + 8, " 200 ", 5)) return BAD_STATUS;
    const char *field = strcasestr(reply, "\r\nContent-Length:");
    if (!field || field > end) return BAD_STATUS;
    size_t head = (size_t)(end - reply) + 4, body = strtoul(field + 17, NULL, 10);
    if (body != target->length || length > head + body) return WRONG_VALUE;
    if (length < head + body) return ended ? TRUNCATED : INCOMPLETE;
    return memcmp(reply + head, target->value, body) ? WRONG_VALUE : GOOD;
}
