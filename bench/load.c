/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A load generator that sends no request twice: so many connections, each with
 * one request under way, until all have been answered.
 *
 *     load ADDRESS CONNECTIONS COUNT post URI POOL
 *     load ADDRESS CONNECTIONS COUNT get URI HOSTS [RATE]
 *
 * ADDRESS: a unix socket.  POOL: see bench/reports.  HOSTS: names, one a line,
 * asked for in turn.  RATE: so many a second, where a connection is free for
 * them; else as many as are answered.  JSON on stdout: seconds, latencies in
 * microseconds, how often each status came.
 */

#define _GNU_SOURCE

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>


#define MAX_CONNECTIONS  1024
#define ANSWER_SIZE      262144
#define NSTATUS          600

typedef struct {
    const char  *data;
    size_t       len;
} request_t;

typedef struct {
    int      fd;
    size_t   sent;
    size_t   request;
    size_t   got;
    double   start;
    char    *answer;
} connection_t;

static request_t     *requests;
static size_t         nrequests;
static size_t         next_request;
static size_t         answered;
static double        *latencies;
static unsigned long  statuses[NSTATUS];
static connection_t  *idle[MAX_CONNECTIONS];
static size_t         nidle;
static double         rate;             /* 0: none */
static double         began;


static void
die(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}


static double
now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}


static char *
load_file(const char *path, size_t *len)
{
    long   size = 0;
    char  *data;
    FILE  *file = fopen(path, "rb");

    if (file == NULL || fseek(file, 0, SEEK_END) != 0
        || (size = ftell(file)) < 0 || fseek(file, 0, SEEK_SET) != 0)
    {
        die(path);
    }

    *len = (size_t) size;
    data = malloc(*len + 1);

    if (data == NULL || fread(data, 1, *len, file) != *len) {
        die(path);
    }

    data[*len] = '\0';
    fclose(file);

    return data;
}


static void
add_request(size_t i, const char *head, size_t head_len, const char *body,
    size_t body_len)
{
    char  *data = malloc(head_len + body_len);

    if (data == NULL) {
        die("memory");
    }

    memcpy(data, head, head_len);

    if (body_len) {
        memcpy(data + head_len, body, body_len);
    }

    requests[i].data = data;
    requests[i].len = head_len + body_len;
}


static void
make_posts(const char *uri, const char *path)
{
    int       n;
    size_t    len;
    char      head[512];
    char     *pool = load_file(path, &len), *p = pool, *end = pool + len;
    uint32_t  size;

    for (size_t i = 0; i < nrequests; i++) {
        if (end - p < 4) {
            p = pool;                       /* once more from the start */
        }

        memcpy(&size, p, 4);
        p += 4;

        n = snprintf(head, sizeof(head),
                     "POST %s HTTP/1.1\r\nHost: tlsrpt.example.com\r\n"
                     "Content-Type: application/tlsrpt+gzip\r\n"
                     "Content-Length: %u\r\n\r\n", uri, (unsigned) size);
        add_request(i, head, (size_t) n, p, size);
        p += size;
    }

    free(pool);
}


static void
make_gets(const char *uri, const char *path)
{
    int     n;
    size_t  len;
    char    head[512];
    char   *hosts = load_file(path, &len), *p = hosts;

    for (size_t i = 0; i < nrequests; i++) {
        size_t  host = strcspn(p, "\n");

        n = snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\nHost: %.*s\r\n"
                     "User-Agent: load\r\n\r\n", uri, (int) host, p);
        add_request(i, head, (size_t) n, NULL, 0);

        p += host + 1;

        if (p >= hosts + len) {
            p = hosts;
        }
    }

    free(hosts);
}


static void
send_request(connection_t *c)
{
    ssize_t           n;
    const request_t  *r = &requests[c->request];

    while (c->sent < r->len) {
        n = send(c->fd, r->data + c->sent, r->len - c->sent, MSG_NOSIGNAL);

        if (n <= 0) {
            die("send");
        }

        c->sent += (size_t) n;
    }
}


static void
begin_request(connection_t *c)
{
    c->request = next_request++;
    c->sent = 0;
    c->got = 0;
    c->start = now();
    send_request(c);
}


/* With a rate, the Nth is due N / rate seconds after the beginning. */

static void
begin_due(void)
{
    while (nidle && next_request < nrequests
           && (rate == 0 || (double) next_request <= rate * (now() - began)))
    {
        begin_request(idle[--nidle]);
    }
}


/* Is the answer whole?  Its head tells how long its body is. */

static int
is_whole(connection_t *c)
{
    char  *end, *field;

    c->answer[c->got] = '\0';
    end = strstr(c->answer, "\r\n\r\n");

    if (end == NULL) {
        return 0;
    }

    field = strcasestr(c->answer, "\r\ncontent-length:");

    if (field == NULL || field > end) {
        fprintf(stderr, "load: no Content-Length: %s\n", c->answer);
        exit(1);
    }

    return c->got >= (size_t) (end + 4 - c->answer)
                     + strtoul(field + sizeof("\r\ncontent-length:") - 1,
                               NULL, 10);
}


static void
receive(connection_t *c)
{
    ssize_t        n;
    unsigned long  status;

    n = recv(c->fd, c->answer + c->got, ANSWER_SIZE - 1 - c->got,
             MSG_DONTWAIT);

    if (n < 0 && errno == EAGAIN) {
        return;
    }

    if (n <= 0) {
        die("recv");
    }

    c->got += (size_t) n;

    if (!is_whole(c)) {
        return;
    }

    status = strtoul(c->answer + sizeof("HTTP/1.1"), NULL, 10);
    statuses[status < NSTATUS ? status : 0]++;
    latencies[answered++] = now() - c->start;

    idle[nidle++] = c;
    begin_due();
}


static void
open_connection(connection_t *c, const char *path, int epoll)
{
    struct sockaddr_un  address = { .sun_family = AF_UNIX };
    struct epoll_event  event = { EPOLLIN | EPOLLET, { c } };

    if (strlen(path) >= sizeof(address.sun_path)) {
        die(path);
    }

    memcpy(address.sun_path, path, strlen(path));

    c->answer = malloc(ANSWER_SIZE);
    c->fd = socket(AF_UNIX, SOCK_STREAM, 0);

    if (c->answer == NULL || c->fd < 0
        || connect(c->fd, (struct sockaddr *) &address, sizeof(address)) != 0)
    {
        die(path);
    }

    if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event) != 0) {
        die("epoll");
    }
}


static double
run(const char *path, size_t nconnections)
{
    int                  n, epoll = epoll_create1(0);
    double               heard;
    connection_t        *connections;
    struct epoll_event   events[64];

    connections = calloc(nconnections, sizeof(*connections));

    if (connections == NULL) {
        die("memory");
    }

    for (size_t i = 0; i < nconnections; i++) {
        open_connection(&connections[i], path, epoll);
        idle[nidle++] = &connections[i];
    }

    began = heard = now();

    while (answered < nrequests) {
        begin_due();
        n = epoll_wait(epoll, events, 64, rate == 0 ? 10000 : 1);

        if (n > 0) {
            heard = now();

        } else if (now() - heard >= 10) {
            errno = ETIMEDOUT;
            die("no answer");
        }

        for (int i = 0; i < n; i++) {
            receive(events[i].data.ptr);
        }
    }

    return now() - began;
}


static int
compare(const void *a, const void *b)
{
    double  x = *(const double *) a, y = *(const double *) b;

    return x < y ? -1 : x > y;
}


static void
print_result(double seconds)
{
    const char  *comma = "";

    qsort(latencies, answered, sizeof(*latencies), compare);

    printf("{\"n\":%zu,\"seconds\":%.6f,\"p50\":%.1f,\"p99\":%.1f,"
           "\"max\":%.1f,\"statuses\":{", answered, seconds,
           1e6 * latencies[answered / 2],
           1e6 * latencies[answered - 1 - answered / 100],
           1e6 * latencies[answered - 1]);

    for (unsigned i = 0; i < NSTATUS; i++) {
        if (statuses[i]) {
            printf("%s\"%u\":%lu", comma, i, statuses[i]);
            comma = ",";
        }
    }

    printf("}}\n");
}


int
main(int argc, char **argv)
{
    size_t  nconnections;

    if (argc != 7 && argc != 8) {
        fprintf(stderr, "usage: load ADDRESS CONNECTIONS COUNT post|get URI "
                        "FILE [RATE]\n");
        return 2;
    }

    nconnections = strtoul(argv[2], NULL, 10);
    nrequests = strtoul(argv[3], NULL, 10);
    rate = argc == 8 ? strtod(argv[7], NULL) : 0;
    requests = calloc(nrequests, sizeof(*requests));
    latencies = calloc(nrequests, sizeof(*latencies));

    if (nconnections == 0 || nconnections > MAX_CONNECTIONS || nrequests == 0
        || requests == NULL || latencies == NULL)
    {
        die("counts");
    }

    if (strcmp(argv[4], "post") == 0) {
        make_posts(argv[5], argv[6]);

    } else {
        make_gets(argv[5], argv[6]);
    }

    print_result(run(argv[1], nconnections));

    return 0;
}
