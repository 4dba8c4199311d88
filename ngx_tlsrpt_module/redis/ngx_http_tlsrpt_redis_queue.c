/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_redis_codec.h"
#include "ngx_http_tlsrpt_redis_queue.h"


#define NGX_HTTP_TLSRPT_REDIS_TRIES  2


static ngx_uint_t ngx_http_tlsrpt_redis_queue_full(
    ngx_http_tlsrpt_redis_queue_t *queue, size_t len);
static ngx_http_tlsrpt_redis_op_t *ngx_http_tlsrpt_redis_first(
    ngx_queue_t *ops);
static ngx_http_tlsrpt_redis_op_t *ngx_http_tlsrpt_redis_take(
    ngx_queue_t *ops);
static void ngx_http_tlsrpt_redis_set_bytes(
    ngx_http_tlsrpt_redis_queue_t *queue, ngx_http_tlsrpt_redis_op_t *op,
    u_char *bytes, size_t len);
static void ngx_http_tlsrpt_redis_free_bytes(
    ngx_http_tlsrpt_redis_queue_t *queue, ngx_http_tlsrpt_redis_op_t *op);


#define ngx_http_tlsrpt_redis_op(q)                                           \
    ngx_queue_data(q, ngx_http_tlsrpt_redis_op_t, queue)

#define ngx_http_tlsrpt_redis_over(op, now)                                   \
    ((ngx_msec_int_t) ((op)->deadline - (now)) <= 0)

#define ngx_http_tlsrpt_redis_half_sent(op)                                   \
    ((op)->buf.pos != (op)->buf.start)


void
ngx_http_tlsrpt_redis_queue_init(ngx_http_tlsrpt_redis_queue_t *queue)
{
    ngx_queue_init(&queue->waiting);
    ngx_queue_init(&queue->sent);
    ngx_queue_init(&queue->failed);

    queue->ncommands = 0;
    queue->nbytes = 0;
}


void
ngx_http_tlsrpt_redis_queue_clear(ngx_http_tlsrpt_redis_queue_t *queue)
{
    ngx_uint_t                   i;
    ngx_queue_t                 *queues[3];
    ngx_http_tlsrpt_redis_op_t  *op;

    queues[0] = &queue->sent;
    queues[1] = &queue->waiting;
    queues[2] = &queue->failed;

    for (i = 0; i < 3; i++) {
        while ((op = ngx_http_tlsrpt_redis_take(queues[i])) != NULL) {
            ngx_http_tlsrpt_redis_queue_free(queue, op);
        }
    }
}


ngx_int_t
ngx_http_tlsrpt_redis_queue_add(ngx_http_tlsrpt_redis_queue_t *queue,
    const tlsrpt_command_t *command, ngx_log_t *log,
    ngx_http_tlsrpt_redis_op_t **op)
{
    size_t   i, len;
    u_char  *bytes;

    len = 0;

    for (i = 0; i < command->argc; i++) {
        len += command->argvlen[i];
    }

    if (ngx_http_tlsrpt_redis_queue_full(queue, len)) {
        return NGX_BUSY;
    }

    *op = ngx_calloc(sizeof(ngx_http_tlsrpt_redis_op_t), log);
    if (*op == NULL) {
        return NGX_ERROR;
    }

    bytes = ngx_http_tlsrpt_redis_encode(command, &len);
    if (bytes == NULL) {
        ngx_free(*op);
        return NGX_ERROR;
    }

    (*op)->buf.memory = 1;
    (*op)->link.buf = &(*op)->buf;
    (*op)->script = command->script;

    ngx_http_tlsrpt_redis_set_bytes(queue, *op, bytes, len);

    ngx_queue_insert_tail(&queue->waiting, &(*op)->queue);
    queue->ncommands++;

    return NGX_OK;
}


static ngx_uint_t
ngx_http_tlsrpt_redis_queue_full(ngx_http_tlsrpt_redis_queue_t *queue,
    size_t len)
{
    if (queue->ncommands == 0) {
        return 0;
    }

    return queue->ncommands >= NGX_HTTP_TLSRPT_REDIS_MAX_COMMANDS
           || queue->nbytes >= NGX_HTTP_TLSRPT_REDIS_MAX_BYTES
           || len > NGX_HTTP_TLSRPT_REDIS_MAX_BYTES - queue->nbytes;
}


ngx_chain_t *
ngx_http_tlsrpt_redis_queue_chain(ngx_http_tlsrpt_redis_queue_t *queue)
{
    ngx_chain_t                 *head, **last;
    ngx_queue_t                 *q;
    ngx_http_tlsrpt_redis_op_t  *op;

    head = NULL;
    last = &head;

    for (q = ngx_queue_head(&queue->waiting);
         q != ngx_queue_sentinel(&queue->waiting);
         q = ngx_queue_next(q))
    {
        op = ngx_http_tlsrpt_redis_op(q);
        *last = &op->link;
        last = &op->link.next;
    }

    *last = NULL;

    return head;
}


void
ngx_http_tlsrpt_redis_queue_advance(ngx_http_tlsrpt_redis_queue_t *queue)
{
    ngx_http_tlsrpt_redis_op_t  *op;

    for ( ;; ) {
        op = ngx_http_tlsrpt_redis_first(&queue->waiting);

        if (op == NULL || op->buf.pos != op->buf.last) {
            return;
        }

        op->tries++;
        ngx_queue_remove(&op->queue);
        ngx_queue_insert_tail(&queue->sent, &op->queue);
    }
}


ngx_http_tlsrpt_redis_op_t *
ngx_http_tlsrpt_redis_queue_answered(ngx_http_tlsrpt_redis_queue_t *queue)
{
    return ngx_http_tlsrpt_redis_take(&queue->sent);
}


ngx_http_tlsrpt_redis_op_t *
ngx_http_tlsrpt_redis_queue_failed(ngx_http_tlsrpt_redis_queue_t *queue)
{
    return ngx_http_tlsrpt_redis_take(&queue->failed);
}


ngx_int_t
ngx_http_tlsrpt_redis_queue_eval(ngx_http_tlsrpt_redis_queue_t *queue,
    ngx_http_tlsrpt_redis_op_t *op)
{
    size_t                       len;
    u_char                      *bytes;
    ngx_queue_t                 *before;
    ngx_http_tlsrpt_redis_op_t  *first;

    len = (size_t) (op->buf.end - op->buf.start);

    bytes = ngx_http_tlsrpt_redis_encode_eval(op->script, op->buf.start, len,
                                              &len);
    if (bytes == NULL) {
        return NGX_ERROR;
    }

    ngx_http_tlsrpt_redis_free_bytes(queue, op);
    ngx_http_tlsrpt_redis_set_bytes(queue, op, bytes, len);

    op->script = NULL;
    op->tries = 0;

    first = ngx_http_tlsrpt_redis_first(&queue->waiting);

    before = (first && ngx_http_tlsrpt_redis_half_sent(first))
             ? &first->queue : &queue->waiting;

    ngx_queue_insert_after(before, &op->queue);

    return NGX_OK;
}


void
ngx_http_tlsrpt_redis_queue_again(ngx_http_tlsrpt_redis_queue_t *queue,
    ngx_msec_t now, ngx_msec_t timeout)
{
    ngx_queue_t                 *q;
    ngx_http_tlsrpt_redis_op_t  *op;

    op = ngx_http_tlsrpt_redis_first(&queue->waiting);

    if (op) {
        op->buf.pos = op->buf.start;
    }

    while (!ngx_queue_empty(&queue->sent)) {
        q = ngx_queue_last(&queue->sent);
        ngx_queue_remove(q);
        op = ngx_http_tlsrpt_redis_op(q);

        if (op->tries >= NGX_HTTP_TLSRPT_REDIS_TRIES) {
            ngx_queue_insert_head(&queue->failed, q);
            continue;
        }

        op->buf.pos = op->buf.start;

        if (timeout) {
            op->deadline = now + timeout;
            op->put_off = 0;
        }

        ngx_queue_insert_head(&queue->waiting, q);
    }
}


ngx_int_t
ngx_http_tlsrpt_redis_queue_deadline(ngx_http_tlsrpt_redis_queue_t *queue,
    ngx_msec_t *deadline)
{
    ngx_http_tlsrpt_redis_op_t  *oldest, *waiting;

    oldest = ngx_http_tlsrpt_redis_first(&queue->sent);
    waiting = ngx_http_tlsrpt_redis_first(&queue->waiting);

    if (oldest == NULL
        || (waiting && ngx_http_tlsrpt_redis_over(waiting, oldest->deadline)))
    {
        oldest = waiting;
    }

    if (oldest == NULL) {
        return NGX_DECLINED;
    }

    *deadline = oldest->deadline;

    return NGX_OK;
}


void
ngx_http_tlsrpt_redis_queue_put_off(ngx_http_tlsrpt_redis_queue_t *queue,
    ngx_msec_t now, ngx_msec_t timeout)
{
    ngx_uint_t                   i;
    ngx_queue_t                 *q, *queues[2] = { &queue->sent,
                                                   &queue->waiting };
    ngx_http_tlsrpt_redis_op_t  *op;

    for (i = 0; i < 2; i++) {
        for (q = ngx_queue_head(queues[i]);
             q != ngx_queue_sentinel(queues[i]);
             q = ngx_queue_next(q))
        {
            op = ngx_http_tlsrpt_redis_op(q);

            if (!op->put_off) {
                op->deadline = now + timeout;
                op->put_off = 1;
            }
        }
    }
}


ngx_uint_t
ngx_http_tlsrpt_redis_queue_stuck(ngx_http_tlsrpt_redis_queue_t *queue,
    ngx_msec_t now)
{
    ngx_http_tlsrpt_redis_op_t  *sent, *waiting;

    sent = ngx_http_tlsrpt_redis_first(&queue->sent);

    if (sent && ngx_http_tlsrpt_redis_over(sent, now)) {
        return 1;
    }

    waiting = ngx_http_tlsrpt_redis_first(&queue->waiting);

    return waiting && ngx_http_tlsrpt_redis_over(waiting, now)
           && (sent == NULL || ngx_http_tlsrpt_redis_half_sent(waiting));
}


void
ngx_http_tlsrpt_redis_queue_expire(ngx_http_tlsrpt_redis_queue_t *queue,
    ngx_msec_t now)
{
    ngx_queue_t                 *q, *next;
    ngx_http_tlsrpt_redis_op_t  *op;

    for (q = ngx_queue_head(&queue->waiting);
         q != ngx_queue_sentinel(&queue->waiting);
         q = next)
    {
        next = ngx_queue_next(q);
        op = ngx_http_tlsrpt_redis_op(q);

        /* What is half sent is not taken away: it would garble the rest. */

        if (ngx_http_tlsrpt_redis_over(op, now)
            && !ngx_http_tlsrpt_redis_half_sent(op))
        {
            ngx_queue_remove(q);
            ngx_queue_insert_tail(&queue->failed, q);
        }
    }
}


void
ngx_http_tlsrpt_redis_queue_free(ngx_http_tlsrpt_redis_queue_t *queue,
    ngx_http_tlsrpt_redis_op_t *op)
{
    ngx_http_tlsrpt_redis_free_bytes(queue, op);
    ngx_free(op);

    queue->ncommands--;
}


void
ngx_http_tlsrpt_redis_queue_detach(ngx_http_tlsrpt_redis_queue_t *queue,
    void *data)
{
    ngx_uint_t                   i;
    ngx_queue_t                 *q, *queues[3];
    ngx_http_tlsrpt_redis_op_t  *op;

    queues[0] = &queue->sent;
    queues[1] = &queue->waiting;
    queues[2] = &queue->failed;

    for (i = 0; i < 3; i++) {
        for (q = ngx_queue_head(queues[i]);
             q != ngx_queue_sentinel(queues[i]);
             q = ngx_queue_next(q))
        {
            op = ngx_http_tlsrpt_redis_op(q);

            if (op->data == data) {
                op->handler = NULL;
                op->data = NULL;
            }
        }
    }
}


/* NULL: there is none. */

static ngx_http_tlsrpt_redis_op_t *
ngx_http_tlsrpt_redis_first(ngx_queue_t *ops)
{
    return ngx_queue_empty(ops)
           ? NULL : ngx_http_tlsrpt_redis_op(ngx_queue_head(ops));
}


static ngx_http_tlsrpt_redis_op_t *
ngx_http_tlsrpt_redis_take(ngx_queue_t *ops)
{
    ngx_http_tlsrpt_redis_op_t  *op;

    op = ngx_http_tlsrpt_redis_first(ops);

    if (op) {
        ngx_queue_remove(&op->queue);
    }

    return op;
}


static void
ngx_http_tlsrpt_redis_set_bytes(ngx_http_tlsrpt_redis_queue_t *queue,
    ngx_http_tlsrpt_redis_op_t *op, u_char *bytes, size_t len)
{
    op->buf.start = bytes;
    op->buf.pos = bytes;
    op->buf.last = bytes + len;
    op->buf.end = op->buf.last;

    queue->nbytes += len;
}


static void
ngx_http_tlsrpt_redis_free_bytes(ngx_http_tlsrpt_redis_queue_t *queue,
    ngx_http_tlsrpt_redis_op_t *op)
{
    queue->nbytes -= (size_t) (op->buf.end - op->buf.start);

    ngx_http_tlsrpt_redis_encode_free(op->buf.start);
}
