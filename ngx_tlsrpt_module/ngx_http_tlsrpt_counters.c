/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_counters.h"
#include "ngx_http_tlsrpt_module.h"


static ngx_int_t ngx_http_tlsrpt_counters_init(ngx_shm_zone_t *zone,
    void *data);


ngx_http_tlsrpt_counters_t  *ngx_http_tlsrpt_counters;

const ngx_str_t  ngx_http_tlsrpt_statuses[NGX_HTTP_TLSRPT_NSTATUS] = {
    ngx_string("stored"),
    ngx_string("duplicate"),
    ngx_string("rejected"),
    ngx_string("limited"),
    ngx_string("failed")
};


ngx_int_t
ngx_http_tlsrpt_counters_add(ngx_conf_t *cf)
{
    ngx_shm_zone_t  *zone;

    static ngx_str_t  name = ngx_string("tlsrpt_counters");

    zone = ngx_shared_memory_add(cf, &name, 8 * ngx_pagesize,
                                 &ngx_http_tlsrpt_module);
    if (zone == NULL) {
        return NGX_ERROR;
    }

    zone->init = ngx_http_tlsrpt_counters_init;

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_counters_init(ngx_shm_zone_t *zone, void *data)
{
    ngx_slab_pool_t  *pool;

    if (data) {
        zone->data = data;
        ngx_http_tlsrpt_counters = data;
        return NGX_OK;
    }

    pool = (ngx_slab_pool_t *) zone->shm.addr;

    if (zone->shm.exists) {
        zone->data = pool->data;
        ngx_http_tlsrpt_counters = pool->data;
        return NGX_OK;
    }

    zone->data = ngx_slab_calloc(pool, sizeof(ngx_http_tlsrpt_counters_t));
    if (zone->data == NULL) {
        return NGX_ERROR;
    }

    pool->data = zone->data;
    ngx_http_tlsrpt_counters = zone->data;

    return NGX_OK;
}


void
ngx_http_tlsrpt_count_collect(ngx_uint_t status)
{
    if (ngx_http_tlsrpt_counters) {
        (void) ngx_atomic_fetch_add(
                              &ngx_http_tlsrpt_counters->collect[status], 1);
    }
}


void
ngx_http_tlsrpt_count_command(ngx_uint_t answered, ngx_msec_t waited)
{
    ngx_http_tlsrpt_counters_t  *counters;

    counters = ngx_http_tlsrpt_counters;

    if (counters == NULL) {
        return;
    }

    if (!answered) {
        (void) ngx_atomic_fetch_add(&counters->failures, 1);
        return;
    }

    (void) ngx_atomic_fetch_add(&counters->commands, 1);

    if (waited) {
        (void) ngx_atomic_fetch_add(&counters->msec, waited);
    }
}


/* Each worker writes its own place: one that dies leaves nothing behind but
   what its successor overwrites. */

void
ngx_http_tlsrpt_count_queue(ngx_uint_t length)
{
    if (ngx_http_tlsrpt_counters && ngx_worker < NGX_HTTP_TLSRPT_MAX_WORKERS) {
        ngx_http_tlsrpt_counters->queue[ngx_worker] = length;
    }
}
