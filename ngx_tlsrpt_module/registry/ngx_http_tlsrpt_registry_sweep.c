/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_registry_sweep.h"
#include "ngx_http_tlsrpt_turn.h"


/* While the lock is held. */
#define NGX_HTTP_TLSRPT_SWEEP_BUCKETS  64
#define NGX_HTTP_TLSRPT_SWEEP_ENTRIES  64


static ngx_int_t ngx_http_tlsrpt_walk_some(ngx_http_tlsrpt_walk_t *walk,
    ngx_http_tlsrpt_entry_pt handler, void *data);
static void ngx_http_tlsrpt_sweep_entry(ngx_http_tlsrpt_entry_t *entry,
    void *data);


ngx_int_t
ngx_http_tlsrpt_registry_turn(ngx_uint_t *bucket,
    ngx_http_tlsrpt_entry_pt handler, void *data)
{
    uint64_t                   start;
    ngx_uint_t                 last;
    ngx_http_tlsrpt_table_t   *names;
    ngx_http_tlsrpt_entry_t   *entry, *next;

    start = ngx_http_tlsrpt_clock();
    names = &ngx_http_tlsrpt_zone->sh->names;

    while (*bucket <= names->mask) {

        last = ngx_min(*bucket + NGX_HTTP_TLSRPT_SWEEP_BUCKETS,
                       names->mask + 1);

        ngx_http_tlsrpt_zone_lock();

        for ( /* void */ ; *bucket < last; (*bucket)++) {

            for (entry = names->buckets[*bucket]; entry; entry = next) {
                next = entry->next;
                handler(entry, data);
            }
        }

        ngx_http_tlsrpt_zone_unlock();

        if (ngx_http_tlsrpt_clock() - start >= NGX_HTTP_TLSRPT_TURN) {
            break;
        }
    }

    return *bucket <= names->mask ? NGX_AGAIN : NGX_DONE;
}


ngx_int_t
ngx_http_tlsrpt_registry_walk(ngx_http_tlsrpt_walk_t *walk,
    ngx_http_tlsrpt_entry_pt handler, void *data)
{
    uint64_t  start;

    start = ngx_http_tlsrpt_clock();

    while (ngx_http_tlsrpt_walk_some(walk, handler, data) == NGX_AGAIN) {

        if (ngx_http_tlsrpt_clock() - start >= NGX_HTTP_TLSRPT_TURN) {
            return NGX_AGAIN;
        }
    }

    return NGX_DONE;
}


static ngx_int_t
ngx_http_tlsrpt_walk_some(ngx_http_tlsrpt_walk_t *walk,
    ngx_http_tlsrpt_entry_pt handler, void *data)
{
    ngx_str_t                 after;
    ngx_uint_t                n;
    ngx_http_tlsrpt_entry_t  *entry;

    after.data = walk->name;
    after.len = walk->len;

    ngx_http_tlsrpt_zone_lock();

    entry = ngx_http_tlsrpt_zone_after(&after);

    for (n = 0; entry && n < NGX_HTTP_TLSRPT_SWEEP_ENTRIES; n++) {
        handler(entry, data);

        walk->len = entry->len;
        ngx_memcpy(walk->name, entry->name, entry->len);

        entry = ngx_http_tlsrpt_zone_next(entry);
    }

    ngx_http_tlsrpt_zone_unlock();

    return entry ? NGX_AGAIN : NGX_DONE;
}


ngx_int_t
ngx_http_tlsrpt_sweep(ngx_http_tlsrpt_sweep_t *sweep)
{
    return ngx_http_tlsrpt_registry_turn(&sweep->bucket,
                                         ngx_http_tlsrpt_sweep_entry, sweep);
}


static void
ngx_http_tlsrpt_sweep_entry(ngx_http_tlsrpt_entry_t *entry, void *data)
{
    ngx_http_tlsrpt_sweep_t *sweep = data;

    ngx_str_t   name;
    ngx_uint_t  held;

    held = ngx_http_tlsrpt_zone_held(entry);

    if (held && sweep->seen) {
        name.len = entry->len;
        name.data = entry->name;
        ngx_http_tlsrpt_tell_seen(sweep->seen, &name, sweep->log);
    }

    if (!ngx_http_tlsrpt_zone_live(entry)) {
        ngx_http_tlsrpt_zone_end(entry);
        return;
    }

    if (!sweep->whole || entry->vanished
        || entry->generation == ngx_http_tlsrpt_zone->sh->generation)
    {
        return;
    }

    if (!held) {
        ngx_http_tlsrpt_zone_remove(entry);
        return;
    }

    entry->vanished = ngx_time() + NGX_HTTP_TLSRPT_VANISHED;
    ngx_http_tlsrpt_zone->sh->changes++;
    sweep->vanished++;
}


void
ngx_http_tlsrpt_tell_seen(ngx_http_tlsrpt_registry_seen_pt seen,
    const ngx_str_t *domain, ngx_log_t *log)
{
    if (seen(domain)) {
        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "tlsrpt: domain \"%V\" is enrolled, and configured here: "
                      "the configuration counts", domain);
    }
}
