/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The commands of one connection to Redis, each in one of three places: it
 * waits to be sent, on this connection or the next; it was sent on this one; or
 * it has failed, and its handler is still to be called.  Replies come in the
 * order of the commands, so queues are all there is to know.
 *
 * Nothing here has a socket, a timer or a clock.  Times are ngx_msec_t, which
 * may wrap around.
 */

#ifndef NGX_HTTP_TLSRPT_REDIS_QUEUE_H
#define NGX_HTTP_TLSRPT_REDIS_QUEUE_H

#include "ngx_http_tlsrpt_redis.h"

#pragma GCC visibility push(hidden)

typedef struct {
    ngx_queue_t                        queue;
    ngx_chain_t                        link;
    ngx_buf_t                          buf;         /* the command's bytes */
    ngx_msec_t                         deadline;    /* of this try */
    ngx_http_tlsrpt_redis_handler_pt   handler;     /* NULL: detached */
    void                              *data;
    ngx_uint_t                         tries;
    const tlsrpt_script_t             *script;      /* sent as EVALSHA */
    unsigned                           put_off:1;   /* its deadline was, in
                                                       this try */
} ngx_http_tlsrpt_redis_op_t;

typedef struct {
    ngx_queue_t                        waiting;     /* the first of them may be
                                                       sent in part */
    ngx_queue_t                        sent;
    ngx_queue_t                        failed;
    ngx_uint_t                         ncommands;   /* in all of them */
    size_t                             nbytes;
} ngx_http_tlsrpt_redis_queue_t;

void ngx_http_tlsrpt_redis_queue_init(ngx_http_tlsrpt_redis_queue_t *queue);
/* Without calling any handler. */
void ngx_http_tlsrpt_redis_queue_clear(ngx_http_tlsrpt_redis_queue_t *queue);

/* Copies the command, which waits from now on; the caller sets handler, data
   and deadline.  NGX_BUSY: there is no room for it; NGX_ERROR: out of
   memory. */
ngx_int_t ngx_http_tlsrpt_redis_queue_add(ngx_http_tlsrpt_redis_queue_t *queue,
    const tlsrpt_command_t *command, ngx_log_t *log,
    ngx_http_tlsrpt_redis_op_t **op);

/* What waits, to be sent; NULL: nothing.  _advance(): some of it was. */
ngx_chain_t *ngx_http_tlsrpt_redis_queue_chain(
    ngx_http_tlsrpt_redis_queue_t *queue);
void ngx_http_tlsrpt_redis_queue_advance(ngx_http_tlsrpt_redis_queue_t *queue);

/* The one that a reply is for, taken out; NULL: nothing was sent. */
ngx_http_tlsrpt_redis_op_t *ngx_http_tlsrpt_redis_queue_answered(
    ngx_http_tlsrpt_redis_queue_t *queue);

/* Redis does not know the script: puts the command back with its text, to be
   sent next but for one that is half sent.  NGX_ERROR: out of memory. */
ngx_int_t ngx_http_tlsrpt_redis_queue_eval(
    ngx_http_tlsrpt_redis_queue_t *queue, ngx_http_tlsrpt_redis_op_t *op);

/* The connection is gone: what was sent waits once more, in its order, and
   fails where it did so already.  timeout: where not 0, of the next try. */
void ngx_http_tlsrpt_redis_queue_again(ngx_http_tlsrpt_redis_queue_t *queue,
    ngx_msec_t now, ngx_msec_t timeout);

/* NGX_DECLINED: there is none.  A later command is never older by more than
   one timeout, which it gained by being sent again. */
ngx_int_t ngx_http_tlsrpt_redis_queue_deadline(
    ngx_http_tlsrpt_redis_queue_t *queue, ngx_msec_t *deadline);

/* The deadline of each that was not put off before is as if it began now. */
void ngx_http_tlsrpt_redis_queue_put_off(
    ngx_http_tlsrpt_redis_queue_t *queue, ngx_msec_t now, ngx_msec_t timeout);

/* Is the oldest command over, and nothing but the connection to blame? */
ngx_uint_t ngx_http_tlsrpt_redis_queue_stuck(
    ngx_http_tlsrpt_redis_queue_t *queue, ngx_msec_t now);

/* What waits and is over fails. */
void ngx_http_tlsrpt_redis_queue_expire(ngx_http_tlsrpt_redis_queue_t *queue,
    ngx_msec_t now);

/* The next that has failed, taken out; NULL: no more. */
ngx_http_tlsrpt_redis_op_t *ngx_http_tlsrpt_redis_queue_failed(
    ngx_http_tlsrpt_redis_queue_t *queue);

/* Frees one that was taken out. */
void ngx_http_tlsrpt_redis_queue_free(ngx_http_tlsrpt_redis_queue_t *queue,
    ngx_http_tlsrpt_redis_op_t *op);

/* See ngx_http_tlsrpt_redis_detach(). */
void ngx_http_tlsrpt_redis_queue_detach(ngx_http_tlsrpt_redis_queue_t *queue,
    void *data);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_REDIS_QUEUE_H */
