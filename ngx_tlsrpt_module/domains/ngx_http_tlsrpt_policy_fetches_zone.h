/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Requests for policies, counted by domain, day and status in memory that the
 * workers share and that outlives a reload, until Redis is told.
 */

#ifndef NGX_HTTP_TLSRPT_POLICY_FETCHES_ZONE_H
#define NGX_HTTP_TLSRPT_POLICY_FETCHES_ZONE_H

#include "ngx_http_tlsrpt_module.h"

#pragma GCC visibility push(hidden)

#define NGX_HTTP_TLSRPT_POLICY_FETCHES       2048   /* told apart at a time */
#define NGX_HTTP_TLSRPT_POLICY_FETCHES_WORD  16

/* One domain, day and status. */
typedef struct {
    uint64_t                       count;   /* not yet told */
    uint64_t                       told;    /* of these, with the last batch */
    uint32_t                       next;    /* of its bucket, or that is free;
                                               1 + its place, 0: none */
    uint32_t                       hash;
    int32_t                        day;
    uint16_t                       status;
    u_char                         len;     /* of name; 0: it is free */
    u_char                         name[TLSRPT_DOMAIN_LEN];
} ngx_http_tlsrpt_policy_fetch_t;

typedef struct {
    uint64_t                       seed;
    uint64_t                       number;  /* of the last batch */
    u_char                         word[NGX_HTTP_TLSRPT_POLICY_FETCHES_WORD];
                                            /* which these numbers belong to */
    ngx_uint_t                     sending; /* 1 + the place of what the last
                                               batch is of; 0: it is told */
    ngx_pid_t                      teller;  /* which worker tells Redis, */
    time_t                         lease;   /* and until when alone */
    time_t                         told;    /* all there was */
    int32_t                        since;   /* day, when counting began */
    int32_t                        full;    /* the last day on which not all
                                               fitted; 0: none */
    int32_t                        today;   /* day, up to which Redis knows
                                               that this node counts; 0: anew */
    ngx_uint_t                     used;
    uint32_t                       free;    /* 1 + the place of one; 0: none */
    uint32_t                       buckets[NGX_HTTP_TLSRPT_POLICY_FETCHES];
    ngx_http_tlsrpt_policy_fetch_t list[NGX_HTTP_TLSRPT_POLICY_FETCHES];
} ngx_http_tlsrpt_policy_fetches_sh_t;

typedef struct {
    ngx_http_tlsrpt_policy_fetches_sh_t  *sh;
    ngx_slab_pool_t               *shpool;
} ngx_http_tlsrpt_policy_fetches_t;

/* NULL: nothing is counted, as there is no Redis. */
extern ngx_http_tlsrpt_policy_fetches_t  *ngx_http_tlsrpt_policy_fetches;

/* Once the configuration is read: the memory. */
ngx_int_t ngx_http_tlsrpt_policy_fetches_zone_add(ngx_conf_t *cf);

/* One request more.  1: it is counted; 0: there is nothing like it yet and,
   where it was to be created, no room either. */
ngx_uint_t ngx_http_tlsrpt_policy_fetches_count(const ngx_str_t *domain,
    int32_t day, ngx_uint_t status, ngx_uint_t create);

static ngx_inline void
ngx_http_tlsrpt_policy_fetches_lock(void)
{
    ngx_shmtx_lock(&ngx_http_tlsrpt_policy_fetches->shpool->mutex);
}

static ngx_inline void
ngx_http_tlsrpt_policy_fetches_unlock(void)
{
    ngx_shmtx_unlock(&ngx_http_tlsrpt_policy_fetches->shpool->mutex);
}

/* With the lock held: it is told, and nothing is left of it. */
void ngx_http_tlsrpt_policy_fetches_free(ngx_uint_t place);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_POLICY_FETCHES_ZONE_H */
