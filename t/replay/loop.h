/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * nginx's event loop, as far as code that runs on it can tell: a clock that
 * moves when it is told to, timers, posted events, and connections whose other
 * end is the test.  What is linked with it is the real code, unchanged.
 *
 * One process plays one story after the other: loop_reset() between them.
 */

#ifndef T_REPLAY_LOOP_H
#define T_REPLAY_LOOP_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_event_connect.h>

#define LOOP_MAX_SOCKETS  256
#define LOOP_UNLIMITED    ((size_t) -1)

typedef enum {
    SOCKET_CONNECTING = 0,
    SOCKET_OPEN,
    SOCKET_CLOSED                           /* by the client */
} socket_state_e;

/* A connection, seen from its other end. */
typedef struct {
    ngx_connection_t  c;
    ngx_event_t       read;
    ngx_event_t       write;
    socket_state_e    state;
    char              address[64];

    u_char           *got;                  /* all that the client has sent */
    size_t            ngot;
    size_t            nparsed;              /* of it, by the test */
    size_t            room;                 /* that it may still send */

    u_char           *coming;               /* what it has not received yet */
    size_t            ncoming;
    int               finished;             /* and after that, the end */
    int               error;                /* what SO_ERROR says */
} socket_t;

/* How the next attempt to connect ends, at once. */
typedef enum {
    CONNECT_WAITS = 0,
    CONNECT_DONE,
    CONNECT_FAILS
} connect_e;

extern ngx_log_t   loop_log;
extern connect_e   loop_connect;
extern long        loop_random;             /* what random() says */

void loop_reset(void);

/* The connections from the first on, and the newest; NULL: there was none. */
socket_t *loop_socket_at(size_t i);
socket_t *loop_socket(void);
size_t loop_nsockets(void);
size_t loop_nopen(void);                    /* not closed by the client */

/* The end of a turn: what was posted runs. */
void loop_turn(void);

/* Time passes, and each timer runs when it is due. */
void loop_pass(ngx_msec_t ms);
/* In a turn of somebody else's, so that timers are late. */
void loop_busy(ngx_msec_t ms);

/* Until the first timer is due; -1: there is none. */
ngx_msec_int_t loop_next(void);

/* The other end. */
void socket_accept(socket_t *s);
void socket_refuse(socket_t *s);
void socket_send(socket_t *s, const void *bytes, size_t len);
void socket_finish(socket_t *s);
void socket_take(socket_t *s, size_t room);

/* The worker exits: what is idle is told to close. */
void loop_exit(void);

/* All that was logged since loop_reset(), a line each. */
const char *loop_logged(void);

#endif /* T_REPLAY_LOOP_H */
