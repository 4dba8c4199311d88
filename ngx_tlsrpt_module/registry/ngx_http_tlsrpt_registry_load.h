/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Loads what is in Redis and later than what the zone has seen, page by page.
 */

#ifndef NGX_HTTP_TLSRPT_REGISTRY_LOAD_H
#define NGX_HTTP_TLSRPT_REGISTRY_LOAD_H

#include "ngx_http_tlsrpt_registry.h"

#pragma GCC visibility push(hidden)

/* NGX_OK: there is no more; NGX_ERROR: Redis is away, or there is no memory,
   and what was loaded so far is there. */
typedef void (*ngx_http_tlsrpt_load_done_pt)(ngx_int_t rc);

/* With the start of a worker, to its exit. */
void ngx_http_tlsrpt_load_init(ngx_http_tlsrpt_redis_t *client,
    ngx_str_t *prefix, ngx_http_tlsrpt_registry_seen_pt seen);
void ngx_http_tlsrpt_load_end(void);

/* One at a time.  The end may come within it. */
void ngx_http_tlsrpt_load(ngx_http_tlsrpt_load_done_pt done);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_REGISTRY_LOAD_H */
