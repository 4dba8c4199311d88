/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * One worker walks over the domains of the configuration, and whoever polls
 * the registry over those, a hundred a second; what the registry has changed
 * is told before them.
 */

#include "ngx_http_mta_sts_module.h"
#include "ngx_http_tlsrpt_report_uri.h"
#include "ngx_http_tlsrpt_served_upkeep.h"
#include "ngx_http_tlsrpt_steps.h"
#include "tlsrpt_dns.h"
#include "tlsrpt_serving.h"


#define NGX_HTTP_TLSRPT_SERVED_FIRST    100     /* milliseconds */
#define NGX_HTTP_TLSRPT_SERVED_TURN     1000
#define NGX_HTTP_TLSRPT_SERVED_AGAIN    86400   /* seconds */
#define NGX_HTTP_TLSRPT_SERVED_WAITING  256     /* changed, not yet told */
#define NGX_HTTP_TLSRPT_SERVED_POOL     4096


typedef struct {
    size_t                        len;
    u_char                        data[TLSRPT_DOMAIN_LEN];
} ngx_http_tlsrpt_served_name_t;

/* A walk: over is when it ended last, 0: it is on its way. */
typedef struct {
    time_t                        over;
    ngx_uint_t                    n;        /* of the configured, told */
    ngx_http_tlsrpt_served_name_t after;    /* of the registry, told */
} ngx_http_tlsrpt_served_walk_t;

typedef struct {
    ngx_http_tlsrpt_main_conf_t  *tmcf;
    ngx_http_mta_sts_main_conf_t *mmcf;
    ngx_event_t                   timer;
    ngx_http_tlsrpt_steps_t       steps;

    ngx_http_tlsrpt_served_walk_t configured;
    ngx_http_tlsrpt_served_walk_t enrolled;
    ngx_http_tlsrpt_served_walk_t configured_was;   /* before this piece */
    ngx_http_tlsrpt_served_walk_t enrolled_was;

    ngx_http_tlsrpt_served_name_t changed[NGX_HTTP_TLSRPT_SERVED_WAITING];
    ngx_uint_t                    nchanged;
    ngx_uint_t                    nchanged_told;    /* with this piece */

    tlsrpt_serving_t             *piece;    /* being put together */
    ngx_uint_t                    n;        /* domains in it */
} ngx_http_tlsrpt_served_upkeep_t;


static void ngx_http_tlsrpt_served_handler(ngx_event_t *ev);
static void ngx_http_tlsrpt_served_piece(ngx_http_tlsrpt_served_upkeep_t *up);
static void ngx_http_tlsrpt_served_changed(ngx_http_tlsrpt_served_upkeep_t *up,
    ngx_pool_t *pool);
static void ngx_http_tlsrpt_served_configured(
    ngx_http_tlsrpt_served_upkeep_t *up, ngx_pool_t *pool);
static void ngx_http_tlsrpt_served_enrolled(ngx_http_tlsrpt_served_upkeep_t *up,
    ngx_pool_t *pool);
static ngx_uint_t ngx_http_tlsrpt_served_due(
    ngx_http_tlsrpt_served_walk_t *walk);
static void ngx_http_tlsrpt_served_domain(ngx_http_tlsrpt_served_upkeep_t *up,
    const ngx_str_t *domain, ngx_pool_t *pool);
static ngx_int_t ngx_http_tlsrpt_served_origin(
    ngx_http_tlsrpt_served_upkeep_t *up, const ngx_str_t *domain,
    ngx_pool_t *pool, tlsrpt_serving_domain_t *serves);
static ngx_int_t ngx_http_tlsrpt_served_uris(
    ngx_http_tlsrpt_served_upkeep_t *up, const ngx_str_t *domain,
    ngx_pool_t *pool, tlsrpt_str_t *uris, size_t *n);
static void ngx_http_tlsrpt_served_unremarked(void *ctx, int is_error,
    size_t at, const char *section, const char *message);
static const tlsrpt_command_t *ngx_http_tlsrpt_served_next(void *work);
static void ngx_http_tlsrpt_served_add(void *work,
    const tlsrpt_reply_t *reply);
static void ngx_http_tlsrpt_served_done(void *work, ngx_uint_t gone);
static void ngx_http_tlsrpt_served_told(ngx_http_tlsrpt_served_upkeep_t *up);


static const ngx_http_tlsrpt_steps_type_t  ngx_http_tlsrpt_served_type = {
    ngx_http_tlsrpt_served_next,
    ngx_http_tlsrpt_served_add,
    ngx_http_tlsrpt_served_done
};


/* Of this worker. */
static ngx_http_tlsrpt_served_upkeep_t  ngx_http_tlsrpt_served_upkeep;


void
ngx_http_tlsrpt_served_begin(ngx_http_tlsrpt_main_conf_t *tmcf)
{
    ngx_event_t                      *ev;
    ngx_http_tlsrpt_served_upkeep_t  *up;

    up = &ngx_http_tlsrpt_served_upkeep;

    up->tmcf = tmcf;
    up->mmcf = ngx_http_cycle_get_module_main_conf(ngx_cycle,
                                                   ngx_http_mta_sts_module);

    ev = &up->timer;
    ev->handler = ngx_http_tlsrpt_served_handler;
    ev->data = up;
    ev->log = ngx_cycle->log;
    ev->cancelable = 1;

    ngx_add_timer(ev, NGX_HTTP_TLSRPT_SERVED_FIRST);
}


void
ngx_http_tlsrpt_served_end(void)
{
    ngx_http_tlsrpt_steps_t  *steps;

    steps = &ngx_http_tlsrpt_served_upkeep.steps;

    if (steps->work) {
        tlsrpt_serving_destroy(steps->work);
        steps->work = NULL;
    }
}


/* Where too many have changed, all are told. */

ngx_uint_t
ngx_http_tlsrpt_served_seen(const ngx_str_t *domain)
{
    ngx_uint_t                        configured;
    ngx_http_tlsrpt_served_name_t    *name;
    ngx_http_tlsrpt_served_upkeep_t  *up;

    up = &ngx_http_tlsrpt_served_upkeep;
    configured = ngx_http_tlsrpt_domain_configured(domain);

    if (configured) {
        return 1;
    }

    if (up->nchanged == NGX_HTTP_TLSRPT_SERVED_WAITING
        || domain->len > TLSRPT_DOMAIN_LEN)
    {
        ngx_memzero(&up->enrolled, sizeof(ngx_http_tlsrpt_served_walk_t));
        return 0;
    }

    name = &up->changed[up->nchanged++];
    name->len = domain->len;
    ngx_memcpy(name->data, domain->data, domain->len);

    return 0;
}


ngx_str_t
ngx_http_tlsrpt_node(u_char name[NGX_HTTP_TLSRPT_NODE_LEN])
{
    u_char           *last;
    ngx_cycle_t      *cycle;

    cycle = (ngx_cycle_t *) ngx_cycle;

    last = ngx_snprintf(name, NGX_HTTP_TLSRPT_NODE_LEN, "%*s/%08xD",
                        ngx_min(cycle->hostname.len,
                                NGX_HTTP_TLSRPT_NODE_LEN - 9),
                        cycle->hostname.data,
                        ngx_murmur_hash2(cycle->conf_file.data,
                                         cycle->conf_file.len));

    return (ngx_str_t) { (size_t) (last - name), name };
}


static void
ngx_http_tlsrpt_served_handler(ngx_event_t *ev)
{
    ngx_http_tlsrpt_served_upkeep_t  *up;

    if (ngx_exiting) {
        return;
    }

    ngx_add_timer(ev, NGX_HTTP_TLSRPT_SERVED_TURN);

    up = ev->data;

    if (up->steps.work == NULL
        && !ngx_http_tlsrpt_redis_failing(up->tmcf->client))
    {
        ngx_http_tlsrpt_served_piece(up);
    }
}


static void
ngx_http_tlsrpt_served_piece(ngx_http_tlsrpt_served_upkeep_t *up)
{
    u_char       name[NGX_HTTP_TLSRPT_NODE_LEN];
    ngx_str_t    node;
    ngx_pool_t  *pool;

    node = ngx_http_tlsrpt_node(name);
    pool = ngx_create_pool(NGX_HTTP_TLSRPT_SERVED_POOL, ngx_cycle->log);

    if (pool == NULL) {
        return;
    }

    up->piece = tlsrpt_serving_create(
                    ngx_http_tlsrpt_str(&up->tmcf->redis.prefix),
                    ngx_http_tlsrpt_str(&node),
                    (int64_t) up->tmcf->retention_days * 86400);
    up->n = 0;
    up->configured_was = up->configured;
    up->enrolled_was = up->enrolled;

    if (up->piece) {
        ngx_http_tlsrpt_served_changed(up, pool);
        ngx_http_tlsrpt_served_configured(up, pool);
        ngx_http_tlsrpt_served_enrolled(up, pool);
    }

    ngx_destroy_pool(pool);

    if (up->n == 0) {
        tlsrpt_serving_destroy(up->piece);
        ngx_http_tlsrpt_served_told(up);
        return;
    }

    ngx_http_tlsrpt_steps(&up->steps, &ngx_http_tlsrpt_served_type, up->piece,
                          up->tmcf->client);
}


/* What the registry has changed */

static void
ngx_http_tlsrpt_served_changed(ngx_http_tlsrpt_served_upkeep_t *up,
    ngx_pool_t *pool)
{
    ngx_str_t                       domain;
    ngx_uint_t                      i, n;
    ngx_http_tlsrpt_served_name_t  *name;

    n = ngx_min(up->nchanged, TLSRPT_SERVING_MOST);

    for (i = 0; i < n; i++) {
        name = &up->changed[i];
        domain.len = name->len;
        domain.data = name->data;
        ngx_http_tlsrpt_served_domain(up, &domain, pool);
    }

    up->nchanged_told = n;
}


static void
ngx_http_tlsrpt_served_configured(ngx_http_tlsrpt_served_upkeep_t *up,
    ngx_pool_t *pool)
{
    ngx_str_t                      *names;
    ngx_array_t                    *list;
    ngx_http_tlsrpt_served_walk_t  *walk;

    walk = &up->configured;
    list = &up->tmcf->accepted.list;
    names = list->elts;

    if (ngx_worker != 0 || !ngx_http_tlsrpt_served_due(walk)) {
        return;
    }

    while (walk->n < list->nelts && up->n < TLSRPT_SERVING_MOST) {
        ngx_http_tlsrpt_served_domain(up, &names[walk->n++], pool);
    }

    if (walk->n >= list->nelts) {
        walk->over = ngx_time();
    }
}


static void
ngx_http_tlsrpt_served_enrolled(ngx_http_tlsrpt_served_upkeep_t *up,
    ngx_pool_t *pool)
{
    ngx_str_t                      after;
    ngx_uint_t                     i, most;
    ngx_array_t                    found;
    ngx_http_tlsrpt_registered_t  *domains;
    ngx_http_tlsrpt_served_walk_t *walk;

    walk = &up->enrolled;
    most = TLSRPT_SERVING_MOST - ngx_min(up->n, TLSRPT_SERVING_MOST);

    if (most == 0 || !ngx_http_tlsrpt_registry_on()
        || !ngx_http_tlsrpt_registry_polls()
        || !ngx_http_tlsrpt_served_due(walk)
        || ngx_array_init(&found, pool, most,
                          sizeof(ngx_http_tlsrpt_registered_t))
           != NGX_OK)
    {
        return;
    }

    after.len = walk->after.len;
    after.data = walk->after.data;

    if (ngx_http_tlsrpt_registry_next(&after, most, &found) != NGX_OK) {
        return;
    }

    domains = found.elts;

    for (i = 0; i < found.nelts; i++) {
        ngx_http_tlsrpt_served_domain(up, &domains[i].name, pool);
        walk->after.len = domains[i].name.len;
        ngx_memcpy(walk->after.data, domains[i].name.data, walk->after.len);
    }

    if (found.nelts < most) {
        walk->over = ngx_time();
    }
}


/* Begins anew where the last one was a day ago. */

static ngx_uint_t
ngx_http_tlsrpt_served_due(ngx_http_tlsrpt_served_walk_t *walk)
{
    if (walk->over
        && ngx_time() - walk->over >= NGX_HTTP_TLSRPT_SERVED_AGAIN)
    {
        ngx_memzero(walk, sizeof(ngx_http_tlsrpt_served_walk_t));
    }

    return walk->over == 0;
}


/* One domain more in the piece.  What is not known here is told another
   time. */

static void
ngx_http_tlsrpt_served_domain(ngx_http_tlsrpt_served_upkeep_t *up,
    const ngx_str_t *domain, ngx_pool_t *pool)
{
    ngx_int_t                  rc;
    tlsrpt_str_t               uris[TLSRPT_MAX_RUA];
    mta_sts_policy_t           policy;
    tlsrpt_serving_domain_t    serves;
    ngx_http_mta_sts_served_t  served;

    ngx_memzero(&serves, sizeof(tlsrpt_serving_domain_t));

    serves.domain = ngx_http_tlsrpt_str(domain);
    serves.rua = uris;

    if (ngx_http_tlsrpt_served_origin(up, domain, pool, &serves) != NGX_OK
        || ngx_http_tlsrpt_served_uris(up, domain, pool, uris, &serves.nrua)
           != NGX_OK)
    {
        return;
    }

    rc = ngx_http_mta_sts_served(up->mmcf, domain, pool, &served);

    if (rc == NGX_OK
        && ngx_http_mta_sts_served_read(&served, &policy,
                                        ngx_http_tlsrpt_served_unremarked,
                                        NULL)
           == NGX_OK)
    {
        serves.policy = &policy;
        serves.id = ngx_http_tlsrpt_str(&served.id);

    } else if (rc != NGX_DECLINED) {
        return;
    }

    if (tlsrpt_serving_domain(up->piece, &serves) == 0) {
        up->n++;
    }
}


/* Whose policy is it?  NGX_OK; NGX_AGAIN: that is not known. */

static ngx_int_t
ngx_http_tlsrpt_served_origin(ngx_http_tlsrpt_served_upkeep_t *up,
    const ngx_str_t *domain, ngx_pool_t *pool, tlsrpt_serving_domain_t *serves)
{
    ngx_int_t                          rc;
    ngx_http_tlsrpt_registry_policy_t  policy;

    if (ngx_http_tlsrpt_domain_configured(domain)) {
        return NGX_OK;
    }

    serves->enrolled = 1;

    rc = ngx_http_tlsrpt_registry_policy(domain, NULL, pool, &policy);

    if (rc == NGX_OK && policy.same_as.len) {
        serves->same_as = ngx_http_tlsrpt_str(&policy.same_as);
        serves->enrolled = ngx_http_mta_sts_find(up->mmcf,
                                                 policy.same_as.data,
                                                 policy.same_as.len)
                           == NULL;
    }

    return (rc == NGX_OK || rc == NGX_DECLINED) ? NGX_OK : NGX_AGAIN;
}


static ngx_int_t
ngx_http_tlsrpt_served_uris(ngx_http_tlsrpt_served_upkeep_t *up,
    const ngx_str_t *domain, ngx_pool_t *pool, tlsrpt_str_t *uris, size_t *n)
{
    ngx_str_t                 *given;
    ngx_uint_t                 i;
    ngx_http_tlsrpt_domain_t  *known;

    *n = 0;

    if (up->tmcf->report_uris == NULL) {
        return NGX_OK;
    }

    known = ngx_http_tlsrpt_accepted_known(domain, pool);
    given = up->tmcf->report_uris->elts;

    for (i = 0; i < up->tmcf->report_uris->nelts; i++) {
        if (ngx_http_tlsrpt_report_uri_of(&given[i], known, pool,
                                          &uris[(*n)++])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static void
ngx_http_tlsrpt_served_unremarked(void *ctx, int is_error, size_t at,
    const char *section, const char *message)
{
}


/* Its steps */

static const tlsrpt_command_t *
ngx_http_tlsrpt_served_next(void *work)
{
    return tlsrpt_serving_next(work);
}


static void
ngx_http_tlsrpt_served_add(void *work, const tlsrpt_reply_t *reply)
{
    tlsrpt_serving_add(work, reply);
}


/* Where Redis is away, the piece is told again. */

static void
ngx_http_tlsrpt_served_done(void *work, ngx_uint_t gone)
{
    ngx_http_tlsrpt_served_upkeep_t  *up;

    up = &ngx_http_tlsrpt_served_upkeep;

    tlsrpt_serving_destroy(work);

    if (gone) {
        up->configured = up->configured_was;
        up->enrolled = up->enrolled_was;
        return;
    }

    ngx_http_tlsrpt_served_told(up);
}


static void
ngx_http_tlsrpt_served_told(ngx_http_tlsrpt_served_upkeep_t *up)
{
    up->nchanged -= up->nchanged_told;
    ngx_memmove(up->changed, &up->changed[up->nchanged_told],
                up->nchanged * sizeof(ngx_http_tlsrpt_served_name_t));
}
