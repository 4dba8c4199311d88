/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * One connection to Redis: it connects, authenticates, sends bytes, and turns
 * what comes back into replies.  Which command a reply is for, when to connect
 * and what to do after a failure is its owner's affair.
 *
 * All it needs of nginx's event loop is in these: ngx_event_connect_peer(),
 * ngx_close_connection(), ngx_handle_read_event(), ngx_handle_write_event(),
 * and the recv() and send_chain() of the connection.
 */

#ifndef NGX_HTTP_TLSRPT_REDIS_CONNECTION_H
#define NGX_HTTP_TLSRPT_REDIS_CONNECTION_H

#include "ngx_http_tlsrpt_redis.h"
#include "ngx_http_tlsrpt_redis_codec.h"

#pragma GCC visibility push(hidden)

#define NGX_HTTP_TLSRPT_REDIS_BUFFER  16384

typedef enum {
    NGX_HTTP_TLSRPT_REDIS_DOWN = 0,             /* no connection */
    NGX_HTTP_TLSRPT_REDIS_CONNECTING,
    NGX_HTTP_TLSRPT_REDIS_GREETING,             /* AUTH, SELECT */
    NGX_HTTP_TLSRPT_REDIS_READY                 /* for commands */
} ngx_http_tlsrpt_redis_state_e;

/* Events for the owner; data is its own. */
typedef struct {
    /* Commands may be sent, for the first time or again. */
    void       (*writable)(void *data);

    /* The reply to the oldest command that was sent, valid within the call;
       NGX_ERROR: the connection is of no use. */
    ngx_int_t  (*reply)(void *data, const tlsrpt_reply_t *reply);

    /* All replies that have come are delivered. */
    void       (*received)(void *data);

    /* The connection is of no use: the owner closes it. */
    void       (*broken)(void *data, const char *reason, ngx_err_t err);
} ngx_http_tlsrpt_redis_events_t;

typedef struct {
    ngx_http_tlsrpt_redis_conf_t          *conf;
    ngx_log_t                             *log;
    const ngx_http_tlsrpt_redis_events_t  *events;
    void                                  *data;

    ngx_http_tlsrpt_redis_state_e          state;
    ngx_connection_t                      *connection;
    ngx_http_tlsrpt_redis_codec_t         *codec;
    ngx_uint_t                             addr;    /* the next to connect to */

    ngx_buf_t                              greeting;
    ngx_uint_t                             greetings;   /* replies to come */

    u_char                                 buffer[NGX_HTTP_TLSRPT_REDIS_BUFFER];
} ngx_http_tlsrpt_redis_connection_t;

/* Connects to the next address.  writable() or broken() follow, at once or
   later. */
void ngx_http_tlsrpt_redis_connect(ngx_http_tlsrpt_redis_connection_t *rc);

/* Nothing follows it; of a connection that is down, nothing happens. */
void ngx_http_tlsrpt_redis_close(ngx_http_tlsrpt_redis_connection_t *rc);

/* Would _write() send anything? */
ngx_uint_t ngx_http_tlsrpt_redis_writable(
    ngx_http_tlsrpt_redis_connection_t *rc);

/* Sends what the socket takes, and moves the positions of the buffers; calls
   writable() where it takes the rest.  NGX_OK or NGX_ERROR: it is of no use,
   broken() is not called. */
ngx_int_t ngx_http_tlsrpt_redis_write(ngx_http_tlsrpt_redis_connection_t *rc,
    ngx_chain_t *commands);

/* An exiting worker closes idle connections.  One that is down is neither. */
void ngx_http_tlsrpt_redis_idle(ngx_http_tlsrpt_redis_connection_t *rc,
    ngx_uint_t idle);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_REDIS_CONNECTION_H */
