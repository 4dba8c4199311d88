/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_policy_fetches_zone.h"
#include "tlsrpt_hash.h"
#include "tlsrpt_time.h"

#include <openssl/rand.h>


#define NGX_HTTP_TLSRPT_POLICY_FETCHES_PAGES  8     /* of the slab's own */


static ngx_int_t ngx_http_tlsrpt_policy_fetches_create(ngx_shm_zone_t *zone,
    void *data);
static uint32_t *ngx_http_tlsrpt_policy_fetches_find(uint32_t hash,
    const ngx_str_t *domain, int32_t day, ngx_uint_t status);
static ngx_uint_t ngx_http_tlsrpt_policy_fetches_create_in(uint32_t *place,
    uint32_t hash, const ngx_str_t *domain, int32_t day, ngx_uint_t status);


static ngx_http_tlsrpt_policy_fetches_t  ngx_http_tlsrpt_policy_fetches_zone;
ngx_http_tlsrpt_policy_fetches_t        *ngx_http_tlsrpt_policy_fetches;


ngx_int_t
ngx_http_tlsrpt_policy_fetches_zone_add(ngx_conf_t *cf)
{
    size_t           size;
    ngx_shm_zone_t  *zone;

    static ngx_str_t  name = ngx_string("tlsrpt_policy_fetches");

    size = ngx_align(sizeof(ngx_http_tlsrpt_policy_fetches_sh_t), ngx_pagesize)
           + NGX_HTTP_TLSRPT_POLICY_FETCHES_PAGES * ngx_pagesize;

    zone = ngx_shared_memory_add(cf, &name, size, &ngx_http_tlsrpt_module);
    if (zone == NULL) {
        return NGX_ERROR;
    }

    zone->init = ngx_http_tlsrpt_policy_fetches_create;

    return NGX_OK;
}


/* What is there at a reload stays. */

static ngx_int_t
ngx_http_tlsrpt_policy_fetches_create(ngx_shm_zone_t *zone, void *data)
{
    u_char                                random[8];
    uint32_t                              i;
    ngx_slab_pool_t                      *pool;
    ngx_http_tlsrpt_policy_fetches_sh_t  *sh;

    pool = (ngx_slab_pool_t *) zone->shm.addr;
    sh = data ? data : zone->shm.exists ? pool->data : NULL;

    if (sh == NULL) {
        sh = ngx_slab_calloc(pool,
                             sizeof(ngx_http_tlsrpt_policy_fetches_sh_t));
        if (sh == NULL || RAND_bytes(random, sizeof(random)) != 1) {
            return NGX_ERROR;
        }

        sh->seed = tlsrpt_hash_seed(sh);
        sh->since = tlsrpt_day_of(ngx_time());
        ngx_hex_dump(sh->word, random, sizeof(random));

        for (i = NGX_HTTP_TLSRPT_POLICY_FETCHES; i > 0; i--) {
            sh->list[i - 1].next = sh->free;
            sh->free = i;
        }
    }

    pool->data = sh;
    zone->data = sh;

    ngx_http_tlsrpt_policy_fetches_zone.sh = sh;
    ngx_http_tlsrpt_policy_fetches_zone.shpool = pool;
    ngx_http_tlsrpt_policy_fetches = &ngx_http_tlsrpt_policy_fetches_zone;

    return NGX_OK;
}


ngx_uint_t
ngx_http_tlsrpt_policy_fetches_count(const ngx_str_t *domain, int32_t day,
    ngx_uint_t status, ngx_uint_t create)
{
    uint32_t                              hash, *place;
    ngx_uint_t                            found, first;
    ngx_http_tlsrpt_policy_fetches_sh_t  *sh;

    sh = ngx_http_tlsrpt_policy_fetches->sh;
    hash = (uint32_t) tlsrpt_hash(sh->seed ^ (uint64_t) day << 16 ^ status,
                                  domain->data, domain->len);
    first = 0;

    ngx_http_tlsrpt_policy_fetches_lock();

    place = ngx_http_tlsrpt_policy_fetches_find(hash, domain, day, status);
    found = *place != 0
            || (create
                && ngx_http_tlsrpt_policy_fetches_create_in(place, hash,
                                                            domain, day,
                                                            status));

    if (found) {
        sh->list[*place - 1].count++;

    } else if (create && sh->full != day) {
        sh->full = day;
        sh->today = 0;
        first = 1;
    }

    ngx_http_tlsrpt_policy_fetches_unlock();

    if (first) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "tlsrpt: policies of more domains were asked for than "
                      "are counted at a time: not all of today's requests are");
    }

    return found;
}


/* Where 1 + its place is, or would be. */

static uint32_t *
ngx_http_tlsrpt_policy_fetches_find(uint32_t hash, const ngx_str_t *domain,
    int32_t day, ngx_uint_t status)
{
    uint32_t                             *place;
    ngx_http_tlsrpt_policy_fetch_t       *fetch;
    ngx_http_tlsrpt_policy_fetches_sh_t  *sh;

    sh = ngx_http_tlsrpt_policy_fetches->sh;
    place = &sh->buckets[hash % NGX_HTTP_TLSRPT_POLICY_FETCHES];

    for ( /* void */ ; *place; place = &fetch->next) {
        fetch = &sh->list[*place - 1];

        if (fetch->hash == hash && fetch->day == day
            && fetch->status == status && fetch->len == domain->len
            && ngx_memcmp(fetch->name, domain->data, domain->len) == 0)
        {
            break;
        }
    }

    return place;
}


static ngx_uint_t
ngx_http_tlsrpt_policy_fetches_create_in(uint32_t *place, uint32_t hash,
    const ngx_str_t *domain, int32_t day, ngx_uint_t status)
{
    ngx_http_tlsrpt_policy_fetch_t       *fetch;
    ngx_http_tlsrpt_policy_fetches_sh_t  *sh;

    sh = ngx_http_tlsrpt_policy_fetches->sh;

    if (sh->free == 0) {
        return 0;
    }

    *place = sh->free;
    fetch = &sh->list[sh->free - 1];
    sh->free = fetch->next;
    sh->used++;

    fetch->count = 0;
    fetch->told = 0;
    fetch->next = 0;
    fetch->hash = hash;
    fetch->day = day;
    fetch->status = (uint16_t) status;
    fetch->len = (u_char) domain->len;
    ngx_memcpy(fetch->name, domain->data, domain->len);

    return 1;
}


void
ngx_http_tlsrpt_policy_fetches_free(ngx_uint_t place)
{
    uint32_t                             *link;
    ngx_http_tlsrpt_policy_fetch_t       *fetch;
    ngx_http_tlsrpt_policy_fetches_sh_t  *sh;

    sh = ngx_http_tlsrpt_policy_fetches->sh;
    fetch = &sh->list[place];
    link = &sh->buckets[fetch->hash % NGX_HTTP_TLSRPT_POLICY_FETCHES];

    while (*link != place + 1) {
        link = &sh->list[*link - 1].next;
    }

    *link = fetch->next;
    fetch->len = 0;
    fetch->next = sh->free;
    sh->free = (uint32_t) place + 1;
    sh->used--;
}
