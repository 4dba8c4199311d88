/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What all workers count together, in shared memory; it outlives a reload.
 */

#ifndef NGX_HTTP_TLSRPT_COUNTERS_H
#define NGX_HTTP_TLSRPT_COUNTERS_H

#include <ngx_config.h>
#include <ngx_core.h>

#pragma GCC visibility push(hidden)

/* The values of $tlsrpt_status. */
enum {
    NGX_HTTP_TLSRPT_STORED = 0,
    NGX_HTTP_TLSRPT_DUPLICATE,
    NGX_HTTP_TLSRPT_REJECTED,
    NGX_HTTP_TLSRPT_LIMITED,                /* refused by nginx before us */
    NGX_HTTP_TLSRPT_FAILED,
    NGX_HTTP_TLSRPT_NSTATUS
};

#define NGX_HTTP_TLSRPT_MAX_WORKERS  256    /* with a queue of their own */

typedef struct {
    ngx_atomic_t  collect[NGX_HTTP_TLSRPT_NSTATUS];
    ngx_atomic_t  commands;                 /* answered by Redis */
    ngx_atomic_t  failures;                 /* not answered */
    ngx_atomic_t  msec;                     /* waited for answers, together */
    ngx_atomic_t  queue[NGX_HTTP_TLSRPT_MAX_WORKERS];   /* now, a worker */
} ngx_http_tlsrpt_counters_t;

/* NULL before the first worker starts. */
extern ngx_http_tlsrpt_counters_t  *ngx_http_tlsrpt_counters;

extern const ngx_str_t  ngx_http_tlsrpt_statuses[NGX_HTTP_TLSRPT_NSTATUS];

/* At configuration time. */
ngx_int_t ngx_http_tlsrpt_counters_add(ngx_conf_t *cf);

void ngx_http_tlsrpt_count_collect(ngx_uint_t status);
void ngx_http_tlsrpt_count_command(ngx_uint_t answered, ngx_msec_t waited);
void ngx_http_tlsrpt_count_queue(ngx_uint_t length);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_COUNTERS_H */
