/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * All domains of the zone, gone through in turns.
 */

#ifndef NGX_HTTP_TLSRPT_REGISTRY_SWEEP_H
#define NGX_HTTP_TLSRPT_REGISTRY_SWEEP_H

#include "ngx_http_tlsrpt_registry_zone.h"

#pragma GCC visibility push(hidden)

/* Called with the lock held; it may remove the entry. */
typedef void (*ngx_http_tlsrpt_entry_pt)(ngx_http_tlsrpt_entry_t *entry,
    void *data);

/* A turn: from the bucket on, which begins with 0, as far as one may hold the
   event loop.  NGX_AGAIN: there are more; NGX_DONE. */
ngx_int_t ngx_http_tlsrpt_registry_turn(ngx_uint_t *bucket,
    ngx_http_tlsrpt_entry_pt handler, void *data);

/* How far the names were gone through, in their order.  Begins as zeroes. */
typedef struct {
    size_t                             len;
    u_char                             name[255];
} ngx_http_tlsrpt_walk_t;

/* The same in the order of names; the handler removes nothing. */
ngx_int_t ngx_http_tlsrpt_registry_walk(ngx_http_tlsrpt_walk_t *walk,
    ngx_http_tlsrpt_entry_pt handler, void *data);

typedef struct {
    ngx_uint_t                         bucket;
    ngx_uint_t                         vanished;    /* domains that were held,
                                                       from now on */
    unsigned                           whole:1; /* what was not loaded has
                                                   vanished */
    ngx_http_tlsrpt_registry_seen_pt   seen;    /* NULL: is not asked */
    ngx_log_t                         *log;
} ngx_http_tlsrpt_sweep_t;

/* A turn of that: what has vanished is marked, or goes, a day later.  A sweep
   begins with all zeroes but the last three. */
ngx_int_t ngx_http_tlsrpt_sweep(ngx_http_tlsrpt_sweep_t *sweep);

/* Tells that the domain is configured too, if it is. */
void ngx_http_tlsrpt_tell_seen(ngx_http_tlsrpt_registry_seen_pt seen,
    const ngx_str_t *domain, ngx_log_t *log);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_REGISTRY_SWEEP_H */
