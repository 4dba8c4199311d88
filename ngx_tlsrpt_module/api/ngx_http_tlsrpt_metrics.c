/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * BASE/metrics: the totals of every domain that the viewer may see, one small
 * hash each; and, for a viewer who sees all, what the workers count.
 *
 * Domains that have data are bounded.  Where there turn out to be more, all are
 * walked over twice again: to see when each had its last report, and to take
 * the most recent ones.
 */

#include "ngx_http_tlsrpt_answer.h"
#include "ngx_http_tlsrpt_api.h"
#include "ngx_http_tlsrpt_error.h"
#include "ngx_http_tlsrpt_fetch.h"
#include "ngx_http_tlsrpt_close.h"
#include "ngx_http_tlsrpt_forget.h"
#include "ngx_http_tlsrpt_metrics_host.h"
#include "ngx_http_tlsrpt_module.h"
#include "ngx_http_tlsrpt_params.h"
#include "ngx_http_tlsrpt_scope.h"
#include "ngx_http_tlsrpt_text.h"
#include "ngx_http_tlsrpt_walk.h"
#include "tlsrpt_key.h"
#include "tlsrpt_metrics_checks.h"
#include "tlsrpt_recent.h"
#include "tlsrpt_seen.h"


#define NGX_HTTP_TLSRPT_METRICS_PIECE    500    /* names of the index */
#define NGX_HTTP_TLSRPT_METRICS_DOMAINS  50000  /* at most */
#define NGX_HTTP_TLSRPT_METRICS_OWN      3      /* keys of no domain */


/* What a walk is for. */
enum {
    NGX_HTTP_TLSRPT_METRICS_ALL = 0,
    NGX_HTTP_TLSRPT_METRICS_NOTE,
    NGX_HTTP_TLSRPT_METRICS_CHOSEN
};

/* What is asked of a domain. */
enum {
    NGX_HTTP_TLSRPT_METRICS_TOTALS = 0,
    NGX_HTTP_TLSRPT_METRICS_STATE,
    NGX_HTTP_TLSRPT_METRICS_CHECK
};

/* A domain that is asked for. */
typedef struct {
    size_t                        len;
    ngx_uint_t                    indexed;  /* by the index alone */
    unsigned                      used:1;
    unsigned                      asks:1;   /* for its state, */
    unsigned                      looks:1;  /* and for its last check */
    unsigned                      pending:2;    /* replies */
    u_char                        name[TLSRPT_DOMAIN_LEN];
} ngx_http_tlsrpt_metrics_domain_t;

typedef struct {
    ngx_http_request_t           *request;
    ngx_int_t                     type;
    tlsrpt_metrics_t             *metrics;
    tlsrpt_metrics_checks_t      *checks;   /* NULL: there are none */
    ngx_uint_t                    nchecked;
    ngx_http_tlsrpt_text_t        texts[TLSRPT_METRICS_PARTS];
    ngx_uint_t                    ndomains;
    ngx_uint_t                    nomitted;
    tlsrpt_recent_t               recent;

    ngx_uint_t                    walks;    /* what this one is for */
    ngx_uint_t                    pending;  /* replies */
    unsigned                      again:1;  /* the next one begins */
    unsigned                      own:2;    /* of those keys, asked for */

    ngx_http_tlsrpt_walk_t        walk;
    /* those that are asked for: no more than commands are in flight, as what
       one of them asks for next goes before others */
    ngx_http_tlsrpt_metrics_domain_t  domains[NGX_HTTP_TLSRPT_REDIS_WINDOW];
    tlsrpt_key_read_t             read;     /* of a domain */
} ngx_http_tlsrpt_metrics_ctx_t;


static ngx_int_t ngx_http_tlsrpt_metrics_done(void *data,
    ngx_http_request_t *r);
static ngx_int_t ngx_http_tlsrpt_metrics_next(void *data,
    ngx_http_tlsrpt_ask_t *ask);
static ngx_int_t ngx_http_tlsrpt_metrics_ask(
    ngx_http_tlsrpt_metrics_ctx_t *ctx, ngx_http_tlsrpt_ask_t *ask);
static void ngx_http_tlsrpt_metrics_at_work(
    ngx_http_tlsrpt_metrics_ctx_t *ctx, ngx_http_tlsrpt_ask_t *ask);
static void ngx_http_tlsrpt_metrics_own(ngx_http_tlsrpt_metrics_ctx_t *ctx,
    ngx_http_tlsrpt_ask_t *ask);
static ngx_uint_t ngx_http_tlsrpt_metrics_again(
    ngx_http_tlsrpt_metrics_ctx_t *ctx);
static ngx_int_t ngx_http_tlsrpt_metrics_begin(
    ngx_http_tlsrpt_metrics_ctx_t *ctx);
static void ngx_http_tlsrpt_metrics_domain(ngx_http_tlsrpt_metrics_ctx_t *ctx,
    ngx_http_tlsrpt_ask_t *ask, ngx_str_t *name);
static ngx_int_t ngx_http_tlsrpt_metrics_state(
    ngx_http_tlsrpt_metrics_ctx_t *ctx, ngx_http_tlsrpt_ask_t *ask);
static tlsrpt_str_t ngx_http_tlsrpt_metrics_name(
    ngx_http_tlsrpt_metrics_domain_t *domain);
static ngx_int_t ngx_http_tlsrpt_metrics_take_checks(
    ngx_http_tlsrpt_metrics_ctx_t *ctx, const tlsrpt_reply_t *reply);
static void ngx_http_tlsrpt_metrics_look(ngx_http_tlsrpt_metrics_ctx_t *ctx,
    ngx_http_tlsrpt_metrics_domain_t *domain);
static ngx_int_t ngx_http_tlsrpt_metrics_take(
    ngx_http_tlsrpt_metrics_ctx_t *ctx,
    ngx_http_tlsrpt_metrics_domain_t *domain, const tlsrpt_reply_t *reply);
static ngx_int_t ngx_http_tlsrpt_metrics_take_state(
    ngx_http_tlsrpt_metrics_ctx_t *ctx,
    ngx_http_tlsrpt_metrics_domain_t *domain, const tlsrpt_reply_t *reply);
static ngx_int_t ngx_http_tlsrpt_metrics_reply(void *data,
    ngx_http_tlsrpt_ask_t *ask, const tlsrpt_reply_t *reply);
static ngx_int_t ngx_http_tlsrpt_metrics_spill(
    ngx_http_tlsrpt_metrics_ctx_t *ctx);
static void ngx_http_tlsrpt_metrics_destroy(void *data);


enum {
    NGX_HTTP_TLSRPT_METRICS_TEXT = 0,
    NGX_HTTP_TLSRPT_METRICS_OPENMETRICS,
    NGX_HTTP_TLSRPT_METRICS_NTYPES
};

static const ngx_str_t  ngx_http_tlsrpt_metrics_media[] = {
    ngx_string("text/plain"),
    ngx_string("application/openmetrics-text")
};

const ngx_http_tlsrpt_types_t  ngx_http_tlsrpt_metrics_types = {
    ngx_http_tlsrpt_metrics_media, NGX_HTTP_TLSRPT_METRICS_NTYPES,
    "there are application/openmetrics-text and text/plain"
};

static const ngx_http_tlsrpt_fetch_type_t  ngx_http_tlsrpt_metrics_fetch = {
    ngx_http_tlsrpt_metrics_next,
    ngx_http_tlsrpt_metrics_reply,
    NULL,
    ngx_http_tlsrpt_metrics_done,
    ngx_http_tlsrpt_metrics_destroy
};


ngx_int_t
ngx_http_tlsrpt_metrics_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target)
{
    tlsrpt_error_t  error;

    static const ngx_str_t  first = ngx_string("");
    ngx_http_tlsrpt_metrics_ctx_t  *ctx;

    if (ngx_http_tlsrpt_params_none(r, &error) != TLSRPT_OK) {
        return ngx_http_tlsrpt_error_of(r, &error);
    }

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_tlsrpt_metrics_ctx_t));
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->request = r;
    ctx->type = target->type;

    if (ngx_http_tlsrpt_walk_begin(&ctx->walk, r, &first,
                                   NGX_HTTP_TLSRPT_METRICS_PIECE)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->metrics = tlsrpt_metrics_create(
                       ctx->type == NGX_HTTP_TLSRPT_METRICS_OPENMETRICS);
    if (ctx->metrics == NULL) {
        return ngx_http_tlsrpt_error(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                     "out of memory");
    }

    return ngx_http_tlsrpt_fetch(r, &ngx_http_tlsrpt_metrics_fetch, ctx);
}


static ngx_int_t
ngx_http_tlsrpt_metrics_next(void *data, ngx_http_tlsrpt_ask_t *ask)
{
    ngx_http_tlsrpt_metrics_ctx_t *ctx = data;

    ngx_int_t  rc;

    rc = ctx->again ? NGX_DONE : ngx_http_tlsrpt_metrics_ask(ctx, ask);

    if (rc == NGX_DONE && ctx->pending == 0
        && ngx_http_tlsrpt_metrics_again(ctx))
    {
        if (ngx_http_tlsrpt_metrics_begin(ctx) != NGX_OK) {
            return NGX_ERROR;
        }

        rc = ngx_http_tlsrpt_metrics_ask(ctx, ask);
    }

    ctx->pending += (rc == NGX_OK);

    return rc;
}


static ngx_int_t
ngx_http_tlsrpt_metrics_ask(ngx_http_tlsrpt_metrics_ctx_t *ctx,
    ngx_http_tlsrpt_ask_t *ask)
{
    ngx_int_t  rc;
    ngx_str_t  name;

    if (ctx->own == 0) {
        ngx_http_tlsrpt_metrics_at_work(ctx, ask);
        return NGX_OK;
    }

    if (ctx->own < NGX_HTTP_TLSRPT_METRICS_OWN
        && ngx_http_tlsrpt_scope_is_all(ctx->request))
    {
        ngx_http_tlsrpt_metrics_own(ctx, ask);
        return NGX_OK;
    }

    if (ngx_http_tlsrpt_metrics_state(ctx, ask) == NGX_OK) {
        return NGX_OK;
    }

    ask->item = NULL;

    rc = ngx_http_tlsrpt_walk_next(&ctx->walk, &name, &ask->command);

    if (rc == NGX_OK) {
        ngx_http_tlsrpt_metrics_domain(ctx, ask, &name);
    }

    return rc == NGX_AGAIN ? NGX_OK : rc;
}


/* Does rspamd check domains?  Then what it saw of each is asked for. */

static void
ngx_http_tlsrpt_metrics_at_work(ngx_http_tlsrpt_metrics_ctx_t *ctx,
    ngx_http_tlsrpt_ask_t *ask)
{
    ctx->own = 1;

    tlsrpt_key_checks(&ctx->read.key, ngx_http_tlsrpt_prefix(ctx->request),
                      ":seen");

    ask->command = tlsrpt_key_read(&ctx->read, "GET", NULL, 0);
    ask->item = &ctx->checks;
}


/* What rspamd counts: of reports by mail, then of alerts. */

static void
ngx_http_tlsrpt_metrics_own(ngx_http_tlsrpt_metrics_ctx_t *ctx,
    ngx_http_tlsrpt_ask_t *ask)
{
    tlsrpt_str_t  prefix;

    prefix = ngx_http_tlsrpt_prefix(ctx->request);

    if (ctx->own++ == 1) {
        tlsrpt_key_mail(&ctx->read.key, prefix);
        ask->item = ctx->metrics;

    } else {
        tlsrpt_key_alerts(&ctx->read.key, prefix);
        ask->item = ctx;
    }

    ask->command = tlsrpt_key_read(&ctx->read, "HGETALL", NULL, 0);
}


/* All of a walk is answered: does another one follow? */

static ngx_uint_t
ngx_http_tlsrpt_metrics_again(ngx_http_tlsrpt_metrics_ctx_t *ctx)
{
    return ctx->again || ctx->walks == NGX_HTTP_TLSRPT_METRICS_NOTE;
}


/* What the walk before made is not wanted. */

static ngx_int_t
ngx_http_tlsrpt_metrics_begin(ngx_http_tlsrpt_metrics_ctx_t *ctx)
{
    static const ngx_str_t  first = ngx_string("");

    if (ctx->walks == NGX_HTTP_TLSRPT_METRICS_NOTE) {
        tlsrpt_recent_choose(&ctx->recent, NGX_HTTP_TLSRPT_METRICS_DOMAINS);
    }

    ctx->walks++;
    ctx->again = 0;
    ctx->own = ctx->walks == NGX_HTTP_TLSRPT_METRICS_NOTE
               ? NGX_HTTP_TLSRPT_METRICS_OWN : 0;
    ngx_memzero(ctx->texts, sizeof(ctx->texts));

    tlsrpt_metrics_destroy(ctx->metrics);
    ctx->metrics = tlsrpt_metrics_create(
                       ctx->type == NGX_HTTP_TLSRPT_METRICS_OPENMETRICS);
    if (ctx->metrics == NULL) {
        return NGX_ERROR;
    }

    ngx_http_tlsrpt_walk_end(&ctx->walk);

    return ngx_http_tlsrpt_walk_begin(&ctx->walk, ctx->request, &first,
                                      NGX_HTTP_TLSRPT_METRICS_PIECE);
}


static void
ngx_http_tlsrpt_metrics_domain(ngx_http_tlsrpt_metrics_ctx_t *ctx,
    ngx_http_tlsrpt_ask_t *ask, ngx_str_t *name)
{
    tlsrpt_str_t                       domain;
    ngx_http_tlsrpt_metrics_domain_t  *asked;

    asked = ctx->domains;

    while (asked->used) {
        asked++;
    }

    asked->used = 1;
    asked->asks = 0;
    asked->looks = 0;
    asked->pending = 1;
    asked->len = name->len;
    asked->indexed = ctx->walk.indexed;
    ngx_memcpy(asked->name, name->data, name->len);

    domain = ngx_http_tlsrpt_metrics_name(asked);
    tlsrpt_key_domain(&ctx->read.key, ngx_http_tlsrpt_prefix(ctx->request),
                      domain, "");

    ask->command = tlsrpt_key_read(&ctx->read, "HGETALL", NULL, 0);
    ask->item = asked;
    ask->n = NGX_HTTP_TLSRPT_METRICS_TOTALS;
}


/* What is open of a domain whose hash says that something is, or what its last
   check saw.  NGX_DECLINED: of none. */

static ngx_int_t
ngx_http_tlsrpt_metrics_state(ngx_http_tlsrpt_metrics_ctx_t *ctx,
    ngx_http_tlsrpt_ask_t *ask)
{
    ngx_uint_t                         i;
    ngx_http_tlsrpt_metrics_domain_t  *domain;

    for (i = 0; i < NGX_HTTP_TLSRPT_REDIS_WINDOW; i++) {
        domain = &ctx->domains[i];

        if (!domain->used || (!domain->asks && !domain->looks)) {
            continue;
        }

        ask->item = domain;
        ask->n = domain->asks ? NGX_HTTP_TLSRPT_METRICS_STATE
                              : NGX_HTTP_TLSRPT_METRICS_CHECK;

        tlsrpt_key_domain(&ctx->read.key, ngx_http_tlsrpt_prefix(ctx->request),
                          ngx_http_tlsrpt_metrics_name(domain),
                          domain->asks ? TLSRPT_STATE_KEY : TLSRPT_SEEN_KEY);

        if (domain->asks) {
            domain->asks = 0;

        } else {
            domain->looks = 0;
        }

        ask->command = tlsrpt_key_read(&ctx->read, "GET", NULL, 0);
        domain->pending++;

        return NGX_OK;
    }

    return NGX_DECLINED;
}


static tlsrpt_str_t
ngx_http_tlsrpt_metrics_name(ngx_http_tlsrpt_metrics_domain_t *domain)
{
    tlsrpt_str_t  name;

    name.data = (char *) domain->name;
    name.len = domain->len;

    return name;
}


/* ask->item: what came by mail (the metrics), alerts (the context), whether
   there are checks (these), a domain, or NULL: a piece of the index. */

static ngx_int_t
ngx_http_tlsrpt_metrics_reply(void *data, ngx_http_tlsrpt_ask_t *ask,
    const tlsrpt_reply_t *reply)
{
    ngx_http_tlsrpt_metrics_ctx_t *ctx = data;

    ngx_int_t                          rc;
    ngx_http_tlsrpt_metrics_domain_t  *domain;

    ctx->pending--;

    if (ask->item == NULL) {
        return ngx_http_tlsrpt_walk_reply(&ctx->walk, reply);
    }

    if (ask->item == ctx->metrics) {
        tlsrpt_metrics_mail(ctx->metrics, reply);
        return NGX_OK;
    }

    if (ask->item == ctx) {
        tlsrpt_metrics_alerts(ctx->metrics, reply, ngx_time());
        return NGX_OK;
    }

    if (ask->item == &ctx->checks) {
        return ngx_http_tlsrpt_metrics_take_checks(ctx, reply);
    }

    domain = ask->item;
    domain->pending--;

    switch (ask->n) {

    case NGX_HTTP_TLSRPT_METRICS_STATE:
        rc = ngx_http_tlsrpt_metrics_take_state(ctx, domain, reply);
        break;

    case NGX_HTTP_TLSRPT_METRICS_CHECK:
        rc = tlsrpt_metrics_checks_add(ctx->checks,
                                       ngx_http_tlsrpt_metrics_name(domain),
                                       reply, ngx_time())
             == 0 ? NGX_OK : NGX_ERROR;
        break;

    default:
        rc = ngx_http_tlsrpt_metrics_take(ctx, domain, reply);
        ngx_http_tlsrpt_metrics_look(ctx, domain);
    }

    domain->used = domain->asks || domain->looks || domain->pending;

    return rc;
}


/* Of each walk anew. */

static ngx_int_t
ngx_http_tlsrpt_metrics_take_checks(ngx_http_tlsrpt_metrics_ctx_t *ctx,
    const tlsrpt_reply_t *reply)
{
    tlsrpt_metrics_checks_destroy(ctx->checks);
    ctx->checks = NULL;
    ctx->nchecked = 0;

    if (reply->type == TLSRPT_REPLY_STRING) {
        ctx->checks = tlsrpt_metrics_checks_create();

        if (ctx->checks == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* Domains that nobody has reported on yet are checked, too. */

static void
ngx_http_tlsrpt_metrics_look(ngx_http_tlsrpt_metrics_ctx_t *ctx,
    ngx_http_tlsrpt_metrics_domain_t *domain)
{
    if (ctx->checks && ctx->walks != NGX_HTTP_TLSRPT_METRICS_NOTE
        && ctx->nchecked < NGX_HTTP_TLSRPT_METRICS_DOMAINS)
    {
        ctx->nchecked++;
        domain->looks = 1;
    }
}


static ngx_int_t
ngx_http_tlsrpt_metrics_take(ngx_http_tlsrpt_metrics_ctx_t *ctx,
    ngx_http_tlsrpt_metrics_domain_t *domain, const tlsrpt_reply_t *reply)
{
    uint64_t      last;
    tlsrpt_str_t  name;

    static const tlsrpt_state_t  none;

    name = ngx_http_tlsrpt_metrics_name(domain);
    last = tlsrpt_metrics_last(reply);

    if (last == 0) {
        if (domain->indexed && reply->nelements == 0) {
            ngx_http_tlsrpt_forget(ctx->request, name);
        }

        return NGX_OK;
    }

    if (tlsrpt_closing_due(reply, ngx_time())) {
        ngx_http_tlsrpt_close(ngx_http_get_module_main_conf(ctx->request,
                                                    ngx_http_tlsrpt_module),
                              name);
    }

    switch (ctx->walks) {

    case NGX_HTTP_TLSRPT_METRICS_ALL:
        if (ctx->ndomains == NGX_HTTP_TLSRPT_METRICS_DOMAINS) {
            ctx->again = 1;
            return NGX_OK;
        }

        ctx->ndomains++;
        break;

    case NGX_HTTP_TLSRPT_METRICS_NOTE:
        return tlsrpt_recent_note(&ctx->recent, last) == 0 ? NGX_OK
                                                           : NGX_ERROR;

    default: /* NGX_HTTP_TLSRPT_METRICS_CHOSEN */
        if (!tlsrpt_recent_take(&ctx->recent, last)) {
            ctx->nomitted++;
            return NGX_OK;
        }
    }

    tlsrpt_metrics_add_since(ctx->metrics, name, reply,
                             ngx_http_tlsrpt_scope_since(ctx->request, name),
                             ngx_time());

    if (tlsrpt_metrics_has_open(reply)) {
        domain->asks = 1;

    } else {
        tlsrpt_metrics_open(ctx->metrics, name, &none);
    }

    return ngx_http_tlsrpt_metrics_spill(ctx);
}


/* Of what cannot be read, as a later version wrote it, nothing is said. */

static ngx_int_t
ngx_http_tlsrpt_metrics_take_state(ngx_http_tlsrpt_metrics_ctx_t *ctx,
    ngx_http_tlsrpt_metrics_domain_t *domain, const tlsrpt_reply_t *reply)
{
    tlsrpt_state_t  state;

    if (tlsrpt_state_read(reply, &state) != 0) {
        return NGX_ERROR;
    }

    if (!state.newer) {
        tlsrpt_metrics_open(ctx->metrics,
                            ngx_http_tlsrpt_metrics_name(domain), &state);
    }

    tlsrpt_state_free(&state);

    return ngx_http_tlsrpt_metrics_spill(ctx);
}


static ngx_int_t
ngx_http_tlsrpt_metrics_spill(ngx_http_tlsrpt_metrics_ctx_t *ctx)
{
    ngx_uint_t  i;

    for (i = 0; i < TLSRPT_METRICS_PARTS; i++) {
        if (ngx_http_tlsrpt_text_spill(ctx->request, &ctx->texts[i],
                                       tlsrpt_metrics_part(ctx->metrics, i),
                                       NGX_HTTP_TLSRPT_TEXT_MEMORY)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_metrics_done(void *data, ngx_http_request_t *r)
{
    ngx_http_tlsrpt_metrics_ctx_t *ctx = data;

    const char    *type;
    ngx_uint_t     i;
    tlsrpt_buf_t  *parts[TLSRPT_METRICS_PARTS];

    if (ngx_http_tlsrpt_scope_is_all(r)) {
        ngx_http_tlsrpt_metrics_host(ctx->metrics, ctx->nomitted);
    }

    if (ctx->checks) {
        tlsrpt_metrics_checks_end(ctx->checks, ctx->metrics, ngx_time());
    }

    type = ctx->type == NGX_HTTP_TLSRPT_METRICS_OPENMETRICS
           ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
           : "text/plain; version=0.0.4; charset=utf-8";

    tlsrpt_metrics_end(ctx->metrics);

    for (i = 0; i < TLSRPT_METRICS_PARTS; i++) {
        parts[i] = tlsrpt_metrics_part(ctx->metrics, i);
    }

    return ngx_http_tlsrpt_text_send(r, type, ctx->texts, parts,
                                     TLSRPT_METRICS_PARTS);
}


static void
ngx_http_tlsrpt_metrics_destroy(void *data)
{
    ngx_http_tlsrpt_metrics_ctx_t *ctx = data;

    ngx_http_tlsrpt_walk_end(&ctx->walk);
    tlsrpt_metrics_destroy(ctx->metrics);
    tlsrpt_metrics_checks_destroy(ctx->checks);
    tlsrpt_recent_free(&ctx->recent);
}
