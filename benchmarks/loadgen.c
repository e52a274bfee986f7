/* Load generator for psi.sock: a fresh connection per lookup, as the driver command's curl makes.
 *
 * One epoll loop drives all clients, so that its own cost stays small beside the servers': the
 * share of a core that it used is reported as client_cpu. Every reply is checked: status 200, a
 * Content-Length, exactly that many bytes, and the very value that the id stands for.
 * benchmarks/loadgen.py compiles and runs it; it prints one JSON object.
 *
 *   loadgen --socket PATH --ids FILE [--clients N] [--seconds S | --requests N]
 *           [--warmup S] [--stalled K]
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "loadgen.h"

#define HEAD_ROOM 16384            /* more than any head that PSI or the baseline sends */
#define GIVE_UP_NS 40000000000ull  /* beyond the 30 s in which PSI ends every lookup */
#define TICK_MS 100                /* how often the clock is looked at when nothing comes */
#define RETRY_MS 1                 /* before the next try of a connect that met a full backlog */
#define MAX_CLIENTS 4096

struct client {
    int fd; /* -1: wants a connection */
    const struct target *target;
    uint64_t started;
    char *buffer;
    size_t filled;
};

struct settings {
    const char *ids;
    int clients, stalled;
    double seconds, warmup;
    uint64_t requests;
};

static struct sockaddr_un address = {.sun_family = AF_UNIX};
static size_t buffer_size;
static int poller;

void die(const char *what)
{
    fprintf(stderr, "loadgen: %s: %s\n", what, strerror(errno));
    exit(1);
}

void *grow(void *old, size_t size)
{
    void *block = realloc(old, size);
    if (!block) die("memory");
    return block;
}

static int open_connection(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) die("socket");
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
    int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

static void finish(struct client *c, enum outcome outcome)
{
    tally(outcome, now_ns() - c->started);
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
}

static int send_request(struct client *c)
{
    const struct target *t = c->target;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event)) return 0;
    return send(c->fd, t->request, t->request_length, MSG_NOSIGNAL) == (ssize_t)t->request_length;
}

/* False when the backlog is full: the caller tries again after its next wait. */
static int begin(struct client *c)
{
    c->started = now_ns();
    c->filled = 0;
    c->fd = open_connection();
    if (c->fd < 0 && errno == EAGAIN) {
        tally_connect_retry();
        return 0;
    }
    c->target = next_target();
    if (c->fd < 0 || !send_request(c)) finish(c, TRANSPORT);
    return 1;
}

static void take(struct client *c)
{
    ssize_t got = recv(c->fd, c->buffer + c->filled, buffer_size - c->filled, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got < 0) {
        finish(c, TRANSPORT);
        return;
    }
    c->filled += (size_t)got;
    int verdict = judge(c->target, c->buffer, c->filled, got == 0);
    if (verdict != INCOMPLETE) finish(c, (enum outcome)verdict);
}

static void expire(struct client *clients, int n)
{
    uint64_t now = now_ns();
    for (int i = 0; i < n; i++)
        if (clients[i].fd >= 0 && now - clients[i].started > GIVE_UP_NS)
            finish(&clients[i], TIMEOUT);
}

/* Begins a request on each idle client; true while a full backlog keeps one of them waiting. */
static int refill(struct client *clients, int n, uint64_t *left)
{
    int waiting = 0;
    for (int i = 0; i < n && *left; i++) {
        if (clients[i].fd >= 0) continue;
        int begun = begin(&clients[i]);
        *left -= (uint64_t)begun;
        waiting |= !begun;
    }
    return waiting;
}

static int any_open(const struct client *clients, int n)
{
    for (int i = 0; i < n; i++)
        if (clients[i].fd >= 0) return 1;
    return 0;
}

/* Begins requests until the time is up or that many were begun, then waits for their replies:
 * a client that hangs up early would charge the server for work that no curl ever makes. */
static void run(struct client *clients, int n, double seconds, uint64_t requests)
{
    static struct epoll_event events[MAX_CLIENTS];
    uint64_t end = now_ns() + (uint64_t)(seconds * 1e9), left = requests;
    for (;;) {
        if (!requests) left = now_ns() < end ? UINT64_MAX : 0;
        int waiting = refill(clients, n, &left);
        int open = any_open(clients, n);
        if (!left && !open) break;
        if (!open && !waiting) continue; /* each new request failed at once */
        int ready = epoll_wait(poller, events, n, waiting ? RETRY_MS : TICK_MS);
        for (int i = 0; i < ready; i++) take(events[i].data.ptr);
        if (ready <= 0) expire(clients, n);
    }
}

static void hold_silent(int count)
{
    for (int i = 0; i < count; i++)
        if (open_connection() < 0) die("a silent connection");
}

static struct client *make_clients(int count)
{
    struct client *clients = grow(NULL, (size_t)count * sizeof *clients);
    buffer_size = HEAD_ROOM + longest_value();
    for (int i = 0; i < count; i++)
        clients[i] = (struct client){.fd = -1, .buffer = grow(NULL, buffer_size + 1)};
    return clients;
}

static void set_address(const char *path)
{
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        die(path);
    }
    strcpy(address.sun_path, path);
}

static void parse(int argc, char **argv, struct settings *s)
{
    static const struct option options[] = {
        {"socket", 1, 0, 's'},  {"ids", 1, 0, 'i'},      {"clients", 1, 0, 'c'},
        {"seconds", 1, 0, 'd'}, {"requests", 1, 0, 'n'}, {"warmup", 1, 0, 'w'},
        {"stalled", 1, 0, 'k'}, {0, 0, 0, 0}};
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) switch (option) {
        case 's': set_address(optarg); break;
        case 'i': s->ids = optarg; break;
        case 'c': s->clients = atoi(optarg); break;
        case 'd': s->seconds = atof(optarg); break;
        case 'n': s->requests = strtoull(optarg, NULL, 10); break;
        case 'w': s->warmup = atof(optarg); break;
        case 'k': s->stalled = atoi(optarg); break;
        default: exit(2);
        }
    errno = EINVAL;
    if (!address.sun_path[0] || !s->ids) die("--socket and --ids are needed");
    if (s->clients < 1 || s->clients > MAX_CLIENTS) die("--clients");
}

int main(int argc, char **argv)
{
    struct settings s = {.clients = 1, .seconds = 1};
    parse(argc, argv, &s);
    read_targets(s.ids);
    if ((poller = epoll_create1(EPOLL_CLOEXEC)) < 0) die("epoll_create1");
    struct client *clients = make_clients(s.clients);
    hold_silent(s.stalled);
    if (s.warmup > 0) run(clients, s.clients, s.warmup, 0);
    start_tally();
    run(clients, s.clients, s.seconds, s.requests);
    print_tally();
    return 0;
}
