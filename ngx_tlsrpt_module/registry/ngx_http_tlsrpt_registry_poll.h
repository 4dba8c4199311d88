/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * One worker of all asks Redis once a second what has changed in the registry,
 * and loads it: those domains that are later than what was seen, or all.
 */

#ifndef NGX_HTTP_TLSRPT_REGISTRY_POLL_H
#define NGX_HTTP_TLSRPT_REGISTRY_POLL_H

#include "ngx_http_tlsrpt_registry.h"

#pragma GCC visibility push(hidden)

/* With the start of a worker, to its exit. */
void ngx_http_tlsrpt_poll_begin(ngx_http_tlsrpt_redis_t *client,
    ngx_str_t *prefix, ngx_str_t *file,
    ngx_http_tlsrpt_registry_seen_pt seen);
void ngx_http_tlsrpt_poll_end(void);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_REGISTRY_POLL_H */
