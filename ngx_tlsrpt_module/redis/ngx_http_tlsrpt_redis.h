/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The Redis client: one pipelined connection a worker, on nginx's own event
 * loop.  What is sent within one turn of the loop leaves in one write, or in a
 * few: Redis need not wait for the end of a long turn.
 */

#ifndef NGX_HTTP_TLSRPT_REDIS_H
#define NGX_HTTP_TLSRPT_REDIS_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_tlsrpt_redis_conf.h"
#include "tlsrpt_collect.h"

#pragma GCC visibility push(hidden)

/* What waits or is in flight, at most.  One command that is larger is taken
   where nothing else waits. */
#define NGX_HTTP_TLSRPT_REDIS_MAX_COMMANDS  8192
#define NGX_HTTP_TLSRPT_REDIS_MAX_BYTES     (32 * 1024 * 1024)

/* Why a handler gets no reply. */
enum {
    NGX_HTTP_TLSRPT_REDIS_ANSWERED = 0,
    NGX_HTTP_TLSRPT_REDIS_TIMEOUT,          /* the deadline is over */
    NGX_HTTP_TLSRPT_REDIS_LOST              /* connection lost twice */
};

typedef struct ngx_http_tlsrpt_redis_s  ngx_http_tlsrpt_redis_t;

/*
 * Called once a command, never from within _send.  reply is NULL
 * where there is none, and why is the reason; it lives within the call only.
 * An error reply is a reply (TLSRPT_REPLY_ERROR), logged already;
 * tlsrpt_reply_error_class() classifies it.  The handler may send further
 * commands, and take leave of others.
 */
typedef void (*ngx_http_tlsrpt_redis_handler_pt)(void *data,
    const tlsrpt_reply_t *reply, ngx_uint_t why);

/* The client of this worker; it connects with the first command. */
ngx_http_tlsrpt_redis_t *ngx_http_tlsrpt_redis_create(
    ngx_http_tlsrpt_redis_conf_t *conf, ngx_log_t *log);

/* Ends the connection at the worker's exit: no handler is called any more. */
void ngx_http_tlsrpt_redis_destroy(ngx_http_tlsrpt_redis_t *redis);

/*
 * Queues one command; everything is copied.  Commands must be idempotent: one
 * that was in flight when the connection went, or the deadline passed, is sent
 * once more, so that an answer takes twice tlsrpt_redis_timeout at most.
 *
 *     NGX_OK      queued; the handler will be called
 *     NGX_BUSY    the queue is full: 503.  A caller with commands of its own in
 *                 flight may go on after a reply
 *     NGX_DECLINED  Redis is away and will not be asked again within the
 *                 deadline: 503
 *     NGX_ERROR   out of memory: 503
 *
 * A caller of many commands (stats) keeps at most
 * NGX_HTTP_TLSRPT_REDIS_WINDOW of them in flight, so that it neither fills the
 * queue nor keeps reports waiting.
 */
#define NGX_HTTP_TLSRPT_REDIS_WINDOW  32

ngx_int_t ngx_http_tlsrpt_redis_send(ngx_http_tlsrpt_redis_t *redis,
    const tlsrpt_command_t *command,
    ngx_http_tlsrpt_redis_handler_pt handler, void *data);

/* Did connecting fail, and has nobody been answered since?  For who asks by
   itself, at times, and need not fill the log. */
ngx_uint_t ngx_http_tlsrpt_redis_failing(ngx_http_tlsrpt_redis_t *redis);

/*
 * Takes leave of every command sent with this data: its handler is not called
 * any more, its reply is dropped; Redis executes it all the same.  For the
 * pool cleanup of a request that has commands in flight.
 */
void ngx_http_tlsrpt_redis_detach(ngx_http_tlsrpt_redis_t *redis, void *data);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_REDIS_H */
