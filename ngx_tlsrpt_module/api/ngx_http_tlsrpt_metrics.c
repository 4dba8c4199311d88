/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * BASE/metrics: the totals of every domain that the reader may see, one small
 * hash each; and, for a reader who sees all, what the workers count.
 *
 * The configured names come first, then the index, a piece at a time.
 */

#include "ngx_http_tlsrpt_module.h"
#include "ngx_http_tlsrpt_answer.h"
#include "ngx_http_tlsrpt_counters.h"
#include "ngx_http_tlsrpt_params.h"
#include "ngx_http_tlsrpt_problem.h"
#include "ngx_http_tlsrpt_read.h"
#include "ngx_http_tlsrpt_scope.h"
#include "ngx_http_tlsrpt_seen.h"
#include "ngx_http_tlsrpt_api.h"
#include "tlsrpt_key.h"
#include "tlsrpt_metrics.h"
#include "tlsrpt_version.h"


#define NGX_HTTP_TLSRPT_METRICS_PIECE    500    /* names of the index */
#define NGX_HTTP_TLSRPT_METRICS_DOMAINS  50000  /* at most */


typedef struct {
    ngx_http_request_t           *request;
    ngx_http_tlsrpt_main_conf_t  *tmcf;
    ngx_int_t                     type;
    tlsrpt_metrics_t             *metrics;
    ngx_uint_t                    ndomains;
    ngx_uint_t                    nomitted;

    ngx_uint_t                    configured;   /* the next of listed */
    ngx_pool_t                   *pool;     /* of the piece's names */
    ngx_array_t                   piece;    /* of tlsrpt_str_t */
    ngx_uint_t                    next;     /* of the piece */
    ngx_uint_t                    pending;  /* replies of the piece */
    ngx_http_tlsrpt_seen_t        index;    /* the next piece */
    unsigned                      mail:1;   /* asked for what came by mail */
    unsigned                      asked:1;  /* for a piece */
    unsigned                      over:1;   /* the index is read */

    tlsrpt_key_read_t             read;     /* of a domain */
} ngx_http_tlsrpt_metrics_ctx_t;


static ngx_int_t ngx_http_tlsrpt_metrics_next(void *data,
    ngx_http_tlsrpt_ask_t *ask);
static ngx_uint_t ngx_http_tlsrpt_metrics_configured(
    ngx_http_tlsrpt_metrics_ctx_t *ctx, ngx_http_tlsrpt_ask_t *ask);
static ngx_uint_t ngx_http_tlsrpt_metrics_domain(
    ngx_http_tlsrpt_metrics_ctx_t *ctx, ngx_http_tlsrpt_ask_t *ask,
    tlsrpt_str_t *domain);
static ngx_int_t ngx_http_tlsrpt_metrics_reply(void *data,
    ngx_http_tlsrpt_ask_t *ask, const tlsrpt_reply_t *reply);
static ngx_int_t ngx_http_tlsrpt_metrics_names(
    ngx_http_tlsrpt_metrics_ctx_t *ctx, const tlsrpt_reply_t *reply);
static ngx_uint_t ngx_http_tlsrpt_metrics_is_configured(
    ngx_http_tlsrpt_metrics_ctx_t *ctx, const tlsrpt_reply_t *name);
static ngx_int_t ngx_http_tlsrpt_metrics_done(void *data,
    ngx_http_request_t *r);
static void ngx_http_tlsrpt_metrics_host(ngx_http_tlsrpt_metrics_ctx_t *ctx);
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

static const ngx_http_tlsrpt_reading_t  ngx_http_tlsrpt_metrics_reading = {
    ngx_http_tlsrpt_metrics_next,
    ngx_http_tlsrpt_metrics_reply,
    ngx_http_tlsrpt_metrics_done,
    ngx_http_tlsrpt_metrics_destroy
};


ngx_int_t
ngx_http_tlsrpt_metrics_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target)
{
    tlsrpt_str_t                    first;
    tlsrpt_error_t                  error;
    ngx_http_tlsrpt_metrics_ctx_t  *ctx;

    if (ngx_http_tlsrpt_params_none(r, &error) != TLSRPT_OK) {
        return ngx_http_tlsrpt_problem_error(r, &error);
    }

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_tlsrpt_metrics_ctx_t));
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->request = r;
    ctx->type = target->type;
    ctx->tmcf = ngx_http_get_module_main_conf(r, ngx_http_tlsrpt_module);

    ngx_memzero(&first, sizeof(tlsrpt_str_t));

    if (ngx_http_tlsrpt_seen_after(r, &ctx->index, first,
                                   NGX_HTTP_TLSRPT_METRICS_PIECE)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->metrics = tlsrpt_metrics_create(
                       ctx->type == NGX_HTTP_TLSRPT_METRICS_OPENMETRICS);
    if (ctx->metrics == NULL) {
        return ngx_http_tlsrpt_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                       "out of memory");
    }

    return ngx_http_tlsrpt_read(r, &ngx_http_tlsrpt_metrics_reading, ctx);
}


static ngx_int_t
ngx_http_tlsrpt_metrics_next(void *data, ngx_http_tlsrpt_ask_t *ask)
{
    ngx_http_tlsrpt_metrics_ctx_t *ctx = data;

    tlsrpt_str_t  *names;

    if (!ctx->mail && ngx_http_tlsrpt_scope_is_all(ctx->request)) {
        ctx->mail = 1;
        tlsrpt_key_mail(&ctx->read.key, ngx_http_tlsrpt_prefix(ctx->request));
        ask->command = tlsrpt_key_read(&ctx->read, "HGETALL", NULL, 0);
        ask->item = ctx->metrics;
        ask->n = 0;
        return NGX_OK;
    }

    if (ngx_http_tlsrpt_metrics_configured(ctx, ask)) {
        return NGX_OK;
    }

    names = ctx->piece.elts;

    while (ctx->next < ctx->piece.nelts) {
        if (ngx_http_tlsrpt_metrics_domain(ctx, ask, &names[ctx->next++])) {
            ctx->pending++;
            return NGX_OK;
        }
    }

    /* the names of a piece live until its last reply */

    if (ctx->over || ctx->asked || ctx->pending) {
        return NGX_DONE;
    }

    ctx->asked = 1;
    ask->command = &ctx->index.command;
    ask->item = ctx;
    ask->n = 0;

    return NGX_OK;
}


static ngx_uint_t
ngx_http_tlsrpt_metrics_configured(ngx_http_tlsrpt_metrics_ctx_t *ctx,
    ngx_http_tlsrpt_ask_t *ask)
{
    ngx_str_t     *names;
    tlsrpt_str_t   name;

    names = ctx->tmcf->listed.elts;

    while (ctx->configured < ctx->tmcf->listed.nelts) {
        name.data = (char *) names[ctx->configured].data;
        name.len = names[ctx->configured].len;
        ctx->configured++;

        if (ngx_http_tlsrpt_metrics_domain(ctx, ask, &name)) {
            ask->n = ctx->configured;
            ask->item = NULL;
            return 1;
        }
    }

    return 0;
}


/* Asks for the domain's hash, if it is one to be shown. */

static ngx_uint_t
ngx_http_tlsrpt_metrics_domain(ngx_http_tlsrpt_metrics_ctx_t *ctx,
    ngx_http_tlsrpt_ask_t *ask, tlsrpt_str_t *domain)
{
    if (!ngx_http_tlsrpt_visible(ctx->request, *domain, 1)) {
        return 0;
    }

    if (ctx->ndomains == NGX_HTTP_TLSRPT_METRICS_DOMAINS) {
        ctx->nomitted++;
        return 0;
    }

    ctx->ndomains++;

    tlsrpt_key_domain(&ctx->read.key,
                      ngx_http_tlsrpt_prefix(ctx->request), *domain, "");

    ask->command = tlsrpt_key_read(&ctx->read, "HGETALL", NULL, 0);
    ask->item = domain;
    ask->n = 0;

    return 1;
}


/* ask->item: a piece of the index (the context itself), what came by mail (the
   metrics), a name of the piece, or NULL: the configured name number n. */

static ngx_int_t
ngx_http_tlsrpt_metrics_reply(void *data, ngx_http_tlsrpt_ask_t *ask,
    const tlsrpt_reply_t *reply)
{
    ngx_http_tlsrpt_metrics_ctx_t *ctx = data;

    ngx_str_t     *names;
    tlsrpt_str_t   domain;

    if (ask->item == ctx) {
        ctx->asked = 0;
        return ngx_http_tlsrpt_metrics_names(ctx, reply);
    }

    if (ask->item == ctx->metrics) {
        tlsrpt_metrics_mail(ctx->metrics, reply);
        return NGX_OK;
    }

    if (ask->item) {
        domain = *(tlsrpt_str_t *) ask->item;
        ctx->pending--;

    } else {
        names = ctx->tmcf->listed.elts;
        domain.data = (char *) names[ask->n - 1].data;
        domain.len = names[ask->n - 1].len;
    }

    tlsrpt_metrics_add(ctx->metrics, domain, reply);

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_metrics_names(ngx_http_tlsrpt_metrics_ctx_t *ctx,
    const tlsrpt_reply_t *reply)
{
    size_t           i;
    ngx_int_t        rc;
    tlsrpt_str_t    *name;
    tlsrpt_reply_t  *element;

    rc = ngx_http_tlsrpt_seen_next(ctx->request, &ctx->index, reply,
                                   NGX_HTTP_TLSRPT_METRICS_PIECE);
    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    ctx->over = (rc == NGX_DONE);

    if (ctx->pool) {
        ngx_destroy_pool(ctx->pool);
    }

    ctx->pool = ngx_create_pool(16384, ctx->request->connection->log);
    if (ctx->pool == NULL
        || ngx_array_init(&ctx->piece, ctx->pool, reply->nelements + 1,
                          sizeof(tlsrpt_str_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    ctx->next = 0;

    for (i = 0; i < reply->nelements; i++) {
        element = reply->elements[i];

        if (!ngx_http_tlsrpt_seen_is_domain(element->str, element->len)
            || ngx_http_tlsrpt_metrics_is_configured(ctx, element))
        {
            continue;
        }

        name = ngx_array_push(&ctx->piece);
        if (name == NULL) {
            return NGX_ERROR;
        }

        name->len = element->len;
        name->data = ngx_pnalloc(ctx->pool, element->len);
        if (name->data == NULL) {
            return NGX_ERROR;
        }

        ngx_memcpy((char *) name->data, element->str, element->len);
    }

    return NGX_OK;
}


/* The configured names are sorted. */

static ngx_uint_t
ngx_http_tlsrpt_metrics_is_configured(ngx_http_tlsrpt_metrics_ctx_t *ctx,
    const tlsrpt_reply_t *name)
{
    ngx_int_t    rc;
    ngx_str_t   *names;
    ngx_uint_t   low, high, middle;

    names = ctx->tmcf->listed.elts;
    low = 0;
    high = ctx->tmcf->listed.nelts;

    while (low < high) {
        middle = low + (high - low) / 2;

        rc = ngx_memn2cmp(names[middle].data, (u_char *) name->str,
                          names[middle].len, name->len);
        if (rc == 0) {
            return 1;
        }

        if (rc < 0) {
            low = middle + 1;

        } else {
            high = middle;
        }
    }

    return 0;
}


static ngx_int_t
ngx_http_tlsrpt_metrics_done(void *data, ngx_http_request_t *r)
{
    ngx_http_tlsrpt_metrics_ctx_t *ctx = data;

    char        *text;
    size_t       len;
    const char  *type;

    if (ngx_http_tlsrpt_scope_is_all(r)) {
        ngx_http_tlsrpt_metrics_host(ctx);
    }

    type = ctx->type == NGX_HTTP_TLSRPT_METRICS_OPENMETRICS
           ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
           : "text/plain; version=0.0.4; charset=utf-8";

    text = tlsrpt_metrics_text(ctx->metrics, &len);

    return ngx_http_tlsrpt_answer_text(r, type, text, len);
}


static void
ngx_http_tlsrpt_metrics_host(ngx_http_tlsrpt_metrics_ctx_t *ctx)
{
    double                       queue;
    ngx_uint_t                   i;
    ngx_http_tlsrpt_counters_t  *c;

    tlsrpt_metric_t  build = {
        "tlsrpt_build_info", "The version of the module that answers.",
        "gauge", "version", tlsrpt_release, 1
    };

    tlsrpt_metrics_host(ctx->metrics, &build);

    c = ngx_http_tlsrpt_counters;

    for (i = 0; i < NGX_HTTP_TLSRPT_NSTATUS; i++) {
        tlsrpt_metric_t  status = {
            "tlsrpt_collect_requests_total",
            "POST requests of reports, by what became of them.",
            "counter", "status", (char *) ngx_http_tlsrpt_statuses[i].data,
            (double) c->collect[i]
        };

        tlsrpt_metrics_host(ctx->metrics, &status);
    }

    for (queue = 0, i = 0; i < NGX_HTTP_TLSRPT_MAX_WORKERS; i++) {
        queue += (double) c->queue[i];
    }

    {
    tlsrpt_metric_t  redis[] = {
        { "tlsrpt_redis_commands_total", "Commands that Redis answered.",
          "counter", NULL, NULL, (double) c->commands },
        { "tlsrpt_redis_failures_total", "Commands that Redis did not answer.",
          "counter", NULL, NULL, (double) c->failures },
        { "tlsrpt_redis_wait_seconds_total",
          "Time between commands and their answers, together.",
          "counter", NULL, NULL, (double) c->msec / 1000 },
        { "tlsrpt_redis_queue_commands", "Commands waiting for Redis now.",
          "gauge", NULL, NULL, queue },
        { "tlsrpt_metrics_omitted_domains",
          "Domains over the bound of this page.",
          "gauge", NULL, NULL, (double) ctx->nomitted }
    };

    for (i = 0; i < sizeof(redis) / sizeof(redis[0]); i++) {
        tlsrpt_metrics_host(ctx->metrics, &redis[i]);
    }
    }
}


static void
ngx_http_tlsrpt_metrics_destroy(void *data)
{
    ngx_http_tlsrpt_metrics_ctx_t *ctx = data;

    if (ctx->pool) {
        ngx_destroy_pool(ctx->pool);
    }

    tlsrpt_metrics_destroy(ctx->metrics);
}
