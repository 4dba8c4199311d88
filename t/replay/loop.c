/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the client uses of nginx, each with nginx's own name.  Timers and posted
 * events go by nginx's inline functions, to the tree and the queue below.
 */

#include "loop.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


/* The clock runs over its largest value in the third second of each story. */
#define LOOP_START   ((ngx_msec_t) -3000)
#define LOOP_SECOND  1767225600

#define MAX_TURNS    10000                  /* more are a loop without end */
#define MAX_LOG      65536


volatile ngx_msec_t       ngx_current_msec;
static ngx_time_t         now;
volatile ngx_time_t      *ngx_cached_time = &now;
ngx_rbtree_t              ngx_event_timer_rbtree;
ngx_queue_t               ngx_posted_events;
ngx_queue_t               ngx_posted_next_events;
ngx_uint_t                ngx_exiting;

ngx_log_t                 loop_log;
connect_e                 loop_connect;
long                      loop_random;

static ngx_rbtree_node_t  timers;           /* a list, by parent */
static socket_t          *sockets[LOOP_MAX_SOCKETS];
static size_t             nsockets;
static char               logged[MAX_LOG];
static size_t             nlogged;


static void
broken(const char *what)
{
    fprintf(stderr, "%s\n", what);
    abort();
}


void
loop_reset(void)
{
    for (size_t i = 0; i < nsockets; i++) {
        free(sockets[i]->got);
        free(sockets[i]->coming);
        free(sockets[i]);
    }

    nsockets = 0;
    nlogged = 0;
    logged[0] = '\0';

    ngx_current_msec = LOOP_START;
    now.sec = LOOP_SECOND;
    ngx_exiting = 0;
    timers.parent = NULL;
    ngx_queue_init(&ngx_posted_events);
    ngx_queue_init(&ngx_posted_next_events);

    loop_connect = CONNECT_WAITS;
    loop_random = 0;
    loop_log.log_level = NGX_LOG_INFO;
}


/*
 * Time
 */

void
ngx_rbtree_insert(ngx_rbtree_t *tree, ngx_rbtree_node_t *node)
{
    node->parent = timers.parent;
    timers.parent = node;
}


void
ngx_rbtree_delete(ngx_rbtree_t *tree, ngx_rbtree_node_t *node)
{
    ngx_rbtree_node_t  *before = &timers;

    while (before->parent != node) {
        before = before->parent;

        if (before == NULL) {
            broken("a timer is deleted that is not set");
        }
    }

    before->parent = node->parent;
}


static ngx_msec_int_t
left(const ngx_rbtree_node_t *node)
{
    return (ngx_msec_int_t) (node->key - ngx_current_msec);
}


static ngx_event_t *
first_timer(void)
{
    ngx_rbtree_node_t  *first = timers.parent;

    for (ngx_rbtree_node_t *node = first; node; node = node->parent) {
        if (left(node) < left(first)) {
            first = node;
        }
    }

    return first ? ngx_rbtree_data(first, ngx_event_t, timer) : NULL;
}


ngx_msec_int_t
loop_next(void)
{
    ngx_event_t  *ev = first_timer();

    return ev == NULL ? -1 : ngx_max(left(&ev->timer), 0);
}


static void
move_clock(ngx_msec_t ms)
{
    ngx_current_msec += ms;
    now.sec = LOOP_SECOND + (time_t) ((ngx_current_msec - LOOP_START) / 1000);
}


void
loop_turn(void)
{
    ngx_event_t  *ev;

    for (unsigned n = 0; !ngx_queue_empty(&ngx_posted_events); n++) {
        if (n == MAX_TURNS) {
            broken("events are posted without end");
        }

        ev = ngx_queue_data(ngx_queue_head(&ngx_posted_events), ngx_event_t,
                            queue);
        ngx_delete_posted_event(ev);
        ev->handler(ev);
    }
}


void
loop_pass(ngx_msec_t ms)
{
    ngx_event_t  *ev;

    loop_turn();

    for (unsigned n = 0; (ev = first_timer()) != NULL
                         && loop_next() <= (ngx_msec_int_t) ms; n++)
    {
        if (n == MAX_TURNS) {
            broken("timers run without end");
        }

        ms -= (ngx_msec_t) loop_next();
        move_clock((ngx_msec_t) loop_next());

        ngx_event_del_timer(ev);
        ev->timedout = 1;
        ev->handler(ev);
        loop_turn();
    }

    move_clock(ms);
}


void
loop_busy(ngx_msec_t ms)
{
    move_clock(ms);
    loop_pass(0);
}


/* The linker calls it in place of random(). */

long __wrap_random(void);

long
__wrap_random(void)
{
    return loop_random;
}


/* The linker calls it in place of clock_gettime(): no turn takes any time. */

int __wrap_clock_gettime(clockid_t clock, struct timespec *ts);

int
__wrap_clock_gettime(clockid_t clock, struct timespec *ts)
{
    (void) clock;

    ts->tv_sec = (time_t) (ngx_current_msec / 1000);
    ts->tv_nsec = (long) (ngx_current_msec % 1000) * 1000000;

    return 0;
}


/*
 * Connections, the client's end
 */

static ssize_t
receive(ngx_connection_t *c, u_char *buf, size_t size)
{
    socket_t  *s = (socket_t *) c;
    size_t     n = ngx_min(size, s->ncoming);

    if (n == 0) {
        c->read->ready = s->finished != 0;
        return s->finished ? 0 : NGX_AGAIN;
    }

    memcpy(buf, s->coming, n);
    s->ncoming -= n;
    memmove(s->coming, s->coming + n, s->ncoming);

    return (ssize_t) n;
}


static void
append(u_char **to, size_t *len, const void *bytes, size_t n)
{
    *to = realloc(*to, *len + n + 1);

    if (*to == NULL) {
        broken("out of memory");
    }

    memcpy(*to + *len, bytes, n);
    *len += n;
}


static ngx_chain_t *
send_chain(ngx_connection_t *c, ngx_chain_t *in, off_t limit)
{
    size_t     n;
    socket_t  *s = (socket_t *) c;

    while (in != NULL && c->write->ready) {
        n = ngx_min((size_t) (in->buf->last - in->buf->pos), s->room);
        append(&s->got, &s->ngot, in->buf->pos, n);
        in->buf->pos += n;

        if (s->room != LOOP_UNLIMITED) {
            s->room -= n;
        }

        if (in->buf->pos < in->buf->last) {
            c->write->ready = 0;

        } else {
            in = in->next;
        }
    }

    return in;
}


ngx_int_t
ngx_event_get_peer(ngx_peer_connection_t *pc, void *data)
{
    return NGX_OK;
}


ngx_int_t
ngx_event_connect_peer(ngx_peer_connection_t *pc)
{
    socket_t   *s;
    connect_e   how = loop_connect;

    loop_connect = CONNECT_WAITS;

    if (nsockets == LOOP_MAX_SOCKETS) {
        broken("connections without end");
    }

    s = calloc(1, sizeof(socket_t));

    if (s == NULL) {
        broken("out of memory");
    }

    sockets[nsockets++] = s;
    snprintf(s->address, sizeof(s->address), "%.*s", (int) pc->name->len,
             pc->name->data);
    s->room = LOOP_UNLIMITED;

    if (how == CONNECT_FAILS) {
        s->state = SOCKET_CLOSED;
        return NGX_ERROR;
    }

    s->c.fd = (ngx_socket_t) (1000 + nsockets);
    s->c.read = &s->read;
    s->c.write = &s->write;
    s->c.recv = receive;
    s->c.send_chain = send_chain;
    s->read.data = &s->c;
    s->write.data = &s->c;
    s->write.write = 1;
    s->read.log = s->write.log = &loop_log;
    pc->connection = &s->c;

    if (how == CONNECT_DONE) {
        s->state = SOCKET_OPEN;
        s->write.ready = 1;
        return NGX_OK;
    }

    return NGX_AGAIN;
}


void
ngx_close_connection(ngx_connection_t *c)
{
    socket_t  *s = (socket_t *) c;

    if (s->state == SOCKET_CLOSED) {
        broken("a connection is closed twice");
    }

    s->state = SOCKET_CLOSED;

    for (ngx_event_t *ev = c->read; ; ev = c->write) {
        if (ev->timer_set) {
            ngx_event_del_timer(ev);
        }

        if (ev->posted) {
            ngx_delete_posted_event(ev);
        }

        if (ev == c->write) {
            break;
        }
    }
}


/* Both events are told of whatever happens, as epoll does, edge-triggered. */

ngx_int_t
ngx_handle_read_event(ngx_event_t *rev, ngx_uint_t flags)
{
    return NGX_OK;
}


ngx_int_t
ngx_handle_write_event(ngx_event_t *wev, size_t lowat)
{
    return NGX_OK;
}


ngx_int_t
ngx_tcp_nodelay(ngx_connection_t *c)
{
    c->tcp_nodelay = NGX_TCP_NODELAY_SET;

    return NGX_OK;
}


/* The linker calls it in place of getsockopt(). */

int __wrap_getsockopt(int fd, int level, int name, void *value,
    socklen_t *len);

int
__wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
    if (level != SOL_SOCKET || name != SO_ERROR || *len != sizeof(int)) {
        broken("getsockopt() is asked for something else than SO_ERROR");
    }

    memcpy(value, &sockets[fd - 1001]->error, sizeof(int));

    return 0;
}


/*
 * Connections, the other end
 */

socket_t *
loop_socket_at(size_t i)
{
    return sockets[i];
}


socket_t *
loop_socket(void)
{
    return nsockets ? sockets[nsockets - 1] : NULL;
}


size_t
loop_nsockets(void)
{
    return nsockets;
}


size_t
loop_nopen(void)
{
    size_t  n = 0;

    for (size_t i = 0; i < nsockets; i++) {
        n += sockets[i]->state != SOCKET_CLOSED;
    }

    return n;
}


/* As epoll tells of it: reading first, then writing, if it is open still. */

static void
happen(socket_t *s, int readable, int writable)
{
    if (readable && s->state != SOCKET_CLOSED) {
        s->read.ready = 1;
        s->read.handler(&s->read);
    }

    if (writable && s->state != SOCKET_CLOSED) {
        s->write.ready = 1;
        s->write.handler(&s->write);
    }

    loop_turn();
}


void
socket_accept(socket_t *s)
{
    s->state = SOCKET_OPEN;
    happen(s, 0, 1);
}


void
socket_refuse(socket_t *s)
{
    s->error = ECONNREFUSED;
    s->finished = 1;
    happen(s, 1, 1);
}


void
socket_send(socket_t *s, const void *bytes, size_t len)
{
    append(&s->coming, &s->ncoming, bytes, len);
    happen(s, 1, 0);
}


void
socket_finish(socket_t *s)
{
    s->finished = 1;
    happen(s, 1, 0);
}


void
socket_take(socket_t *s, size_t room)
{
    s->room = room;
    happen(s, 0, room > 0 && s->state == SOCKET_OPEN && !s->write.ready);
}


void
loop_exit(void)
{
    socket_t  *s = loop_socket();

    loop_turn();
    ngx_exiting = 1;

    if (s != NULL && s->state != SOCKET_CLOSED && s->c.idle) {
        s->c.close = 1;
        s->read.handler(&s->read);
    }

    loop_turn();
}


/*
 * Memory, and texts in nginx's format
 */

void *
ngx_alloc(size_t size, ngx_log_t *log)
{
    return malloc(size);
}


void *
ngx_calloc(size_t size, ngx_log_t *log)
{
    return calloc(1, size);
}


/* One argument of "%ui", "%uz", "%M", "%V", "%s", "%*s", "%d"; what is known of
   nginx's is what the client uses. */

static u_char *
put_argument(u_char *p, u_char *last, const char **format, va_list *args)
{
    size_t       room = (size_t) (last - p) + 1;
    const char  *f = *format + 1;
    ngx_str_t   *string;
    size_t       len;
    int          n = -1;

    if (strncmp(f, "ui", 2) == 0) {
        n = snprintf((char *) p, room, "%lu",
                     (unsigned long) va_arg(*args, ngx_uint_t));
        f += 2;

    } else if (strncmp(f, "uz", 2) == 0) {
        n = snprintf((char *) p, room, "%zu", va_arg(*args, size_t));
        f += 2;

    } else if (*f == 'M') {
        n = snprintf((char *) p, room, "%lu",
                     (unsigned long) va_arg(*args, ngx_msec_t));
        f++;

    } else if (*f == 'V') {
        string = va_arg(*args, ngx_str_t *);
        n = snprintf((char *) p, room, "%.*s", (int) string->len,
                     string->data);
        f++;

    } else if (strncmp(f, "*s", 2) == 0) {
        len = va_arg(*args, size_t);
        n = snprintf((char *) p, room, "%.*s", (int) len,
                     va_arg(*args, char *));
        f += 2;

    } else if (*f == 's') {
        n = snprintf((char *) p, room, "%s", va_arg(*args, char *));
        f++;

    } else if (*f == 'd') {
        n = snprintf((char *) p, room, "%d", va_arg(*args, int));
        f++;

    } else {
        broken("a format that the loop does not know");
    }

    *format = f;

    return p + ngx_min((size_t) n, (size_t) (last - p));
}


static u_char *
put_text(u_char *p, u_char *last, const char *format, va_list *args)
{
    while (*format && p < last) {
        if (*format == '%') {
            p = put_argument(p, last, &format, args);

        } else {
            *p++ = (u_char) *format++;
        }
    }

    return p;
}


u_char *
ngx_sprintf(u_char *buf, const char *format, ...)
{
    char      text[256];
    u_char   *p;
    va_list   args;

    va_start(args, format);
    p = put_text((u_char *) text, (u_char *) text + sizeof(text) - 1, format,
                 &args);
    va_end(args);

    memcpy(buf, text, (size_t) (p - (u_char *) text));

    return buf + (p - (u_char *) text);
}


void
ngx_log_error_core(ngx_uint_t level, ngx_log_t *log, ngx_err_t err,
    const char *format, ...)
{
    char     line[1024];
    u_char  *p;
    size_t   n;
    va_list  args;

    va_start(args, format);
    p = put_text((u_char *) line, (u_char *) line + sizeof(line) - 1, format,
                 &args);
    va_end(args);
    *p = '\0';

    n = (size_t) snprintf(logged + nlogged, sizeof(logged) - nlogged,
                          err ? "%s (%s)\n" : "%s\n", line, strerror(err));
    nlogged = ngx_min(nlogged + n, sizeof(logged) - 1);
}


const char *
loop_logged(void)
{
    return logged;
}
