/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Work of the core that nobody waits for, in steps: a command, then what its
 * reply makes.  One command is in flight at a time.  All such work of a worker
 * together takes no more than a turn of the event loop.
 */

#ifndef NGX_HTTP_TLSRPT_STEPS_H
#define NGX_HTTP_TLSRPT_STEPS_H

#include "ngx_http_tlsrpt_module.h"

#pragma GCC visibility push(hidden)

typedef struct {
    /* Borrowed until the next call; NULL: that was all. */
    const tlsrpt_command_t  *(*next)(void *work);
    void                     (*add)(void *work, const tlsrpt_reply_t *reply);

    /* The end, by itself or as Redis is away; gone: it is. */
    void                     (*end)(void *work, ngx_uint_t gone);
} ngx_http_tlsrpt_steps_type_t;

/* A place for one.  All zeroes is a free one; it must not move. */
typedef struct {
    void                                *work;      /* NULL: it is free */
    const ngx_http_tlsrpt_steps_type_t  *type;
    ngx_http_tlsrpt_redis_t             *redis;
    ngx_event_t                          event;     /* goes on */
} ngx_http_tlsrpt_steps_t;

/* In a free place.  The end may come within it. */
void ngx_http_tlsrpt_steps(ngx_http_tlsrpt_steps_t *steps,
    const ngx_http_tlsrpt_steps_type_t *type, void *work,
    ngx_http_tlsrpt_redis_t *redis);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_STEPS_H */
