/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * BASE/problems: what is open now, over all domains of the scope.
 */

#include "ngx_http_tlsrpt_api.h"
#include "ngx_http_tlsrpt_error.h"
#include "ngx_http_tlsrpt_fetch.h"
#include "ngx_http_tlsrpt_module.h"
#include "ngx_http_tlsrpt_params.h"
#include "ngx_http_tlsrpt_query.h"
#include "ngx_http_tlsrpt_set.h"
#include "ngx_http_tlsrpt_text.h"
#include "tlsrpt_open.h"
#include "tlsrpt_state.h"


/* A domain that is asked for. */
typedef struct {
    size_t                     len;
    unsigned                   used:1;
    u_char                     name[TLSRPT_DOMAIN_LEN];
} ngx_http_tlsrpt_open_domain_t;

typedef struct {
    ngx_http_request_t        *request;
    ngx_http_tlsrpt_paging_t   paging;
    int                        severity;    /* 0: any */
    tlsrpt_open_t             *open;
    ngx_http_tlsrpt_set_t      set;
    tlsrpt_key_read_t          read;
    ngx_http_tlsrpt_text_t     text;        /* of the answer */
    tlsrpt_buf_t               buf;         /* its end */

    /* as many as are in flight */
    ngx_http_tlsrpt_open_domain_t  domains[NGX_HTTP_TLSRPT_REDIS_WINDOW];
} ngx_http_tlsrpt_open_t;


static int ngx_http_tlsrpt_open_param(void *data, tlsrpt_str_t name,
    tlsrpt_str_t value, tlsrpt_error_t *error);
static ngx_int_t ngx_http_tlsrpt_open_next(void *data,
    ngx_http_tlsrpt_ask_t *ask);
static ngx_int_t ngx_http_tlsrpt_open_ask(ngx_http_tlsrpt_open_t *ctx,
    ngx_http_tlsrpt_ask_t *ask, const ngx_str_t *name);
static ngx_int_t ngx_http_tlsrpt_open_reply(void *data,
    ngx_http_tlsrpt_ask_t *ask, const tlsrpt_reply_t *reply);
static ngx_int_t ngx_http_tlsrpt_open_work(void *data, ngx_http_request_t *r);
static ngx_int_t ngx_http_tlsrpt_open_done(void *data, ngx_http_request_t *r);
static void ngx_http_tlsrpt_open_destroy(void *data);


static const ngx_http_tlsrpt_fetch_type_t  ngx_http_tlsrpt_open_fetch = {
    ngx_http_tlsrpt_open_next,
    ngx_http_tlsrpt_open_reply,
    ngx_http_tlsrpt_open_work,
    ngx_http_tlsrpt_open_done,
    ngx_http_tlsrpt_open_destroy
};


ngx_int_t
ngx_http_tlsrpt_open_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target)
{
    tlsrpt_error_t           error;
    ngx_http_tlsrpt_open_t  *ctx;

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_tlsrpt_open_t));
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->request = r;
    ctx->paging.request = r;
    ctx->paging.limit = NGX_HTTP_TLSRPT_PAGING_DEFAULT;

    if (ngx_http_tlsrpt_params(r, ngx_http_tlsrpt_open_param, ctx, &error)
        != TLSRPT_OK)
    {
        return ngx_http_tlsrpt_error_of(r, &error);
    }

    ctx->open = tlsrpt_open_create(ctx->paging.limit);
    if (ctx->open == NULL) {
        return ngx_http_tlsrpt_error(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                     "out of memory");
    }

    tlsrpt_open_filter(ctx->open, ctx->severity);

    if (ctx->paging.cursor.data
        && tlsrpt_open_after(ctx->open, ctx->paging.cursor) != 0)
    {
        tlsrpt_open_destroy(ctx->open);
        return ngx_http_tlsrpt_paging_refuse(r);
    }

    ngx_http_tlsrpt_set_begin(&ctx->set, r, tlsrpt_key_open, 0, 0);

    return ngx_http_tlsrpt_fetch(r, &ngx_http_tlsrpt_open_fetch, ctx);
}


static int
ngx_http_tlsrpt_open_param(void *data, tlsrpt_str_t name, tlsrpt_str_t value,
    tlsrpt_error_t *error)
{
    ngx_http_tlsrpt_open_t *ctx = data;

    if (!tlsrpt_param_is(name, "severity")) {
        return ngx_http_tlsrpt_paging_param(&ctx->paging, name, value, error);
    }

    ctx->severity = tlsrpt_open_severity(value);

    return ctx->severity
           ? TLSRPT_OK
           : tlsrpt_param_fail(error, name, "not high, medium or low");
}


static ngx_int_t
ngx_http_tlsrpt_open_next(void *data, ngx_http_tlsrpt_ask_t *ask)
{
    ngx_http_tlsrpt_open_t *ctx = data;

    ngx_int_t                 rc;
    ngx_http_tlsrpt_member_t  member;

    ask->item = NULL;

    rc = ngx_http_tlsrpt_set_next(&ctx->set, &member, &ask->command);

    if (rc == NGX_OK) {
        return ngx_http_tlsrpt_open_ask(ctx, ask, &member.name);
    }

    return rc == NGX_AGAIN ? NGX_OK : rc;
}


/* In a free place: of those there are as many as may be in flight. */

static ngx_int_t
ngx_http_tlsrpt_open_ask(ngx_http_tlsrpt_open_t *ctx,
    ngx_http_tlsrpt_ask_t *ask, const ngx_str_t *name)
{
    ngx_http_tlsrpt_open_domain_t  *domain;

    domain = ctx->domains;

    while (domain->used) {
        domain++;
    }

    domain->used = 1;
    domain->len = name->len;
    ngx_memcpy(domain->name, name->data, name->len);

    ask->item = domain;

    tlsrpt_key_domain(&ctx->read.key, ngx_http_tlsrpt_prefix(ctx->request),
                      ngx_http_tlsrpt_str(name), TLSRPT_STATE_KEY);
    ask->command = tlsrpt_key_read(&ctx->read, "GET", NULL, 0);

    return NGX_OK;
}


/* ask->item: a domain; NULL: a piece of the set. */

static ngx_int_t
ngx_http_tlsrpt_open_reply(void *data, ngx_http_tlsrpt_ask_t *ask,
    const tlsrpt_reply_t *reply)
{
    ngx_http_tlsrpt_open_t *ctx = data;

    tlsrpt_str_t                    name;
    ngx_http_tlsrpt_open_domain_t  *domain;

    if (ask->item == NULL) {
        return ngx_http_tlsrpt_set_reply(&ctx->set, reply);
    }

    domain = ask->item;
    domain->used = 0;

    name.data = (char *) domain->name;
    name.len = domain->len;

    return tlsrpt_open_add(ctx->open, name, reply) == 0 ? NGX_OK : NGX_ERROR;
}


/* The answer, a problem after the other. */

static ngx_int_t
ngx_http_tlsrpt_open_work(void *data, ngx_http_request_t *r)
{
    ngx_http_tlsrpt_open_t *ctx = data;

    int  rc;

    rc = tlsrpt_open_write(ctx->open, &ctx->buf);

    if (rc < 0
        || ngx_http_tlsrpt_text_spill(r, &ctx->text, &ctx->buf,
                                      NGX_HTTP_TLSRPT_TEXT_MEMORY)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return rc > 0 ? NGX_AGAIN : NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_open_done(void *data, ngx_http_request_t *r)
{
    ngx_http_tlsrpt_open_t *ctx = data;

    tlsrpt_buf_t  *buf;

    buf = &ctx->buf;

    return ngx_http_tlsrpt_text_send(r, "application/json; charset=utf-8",
                                     &ctx->text, &buf, 1);
}


static void
ngx_http_tlsrpt_open_destroy(void *data)
{
    ngx_http_tlsrpt_open_t *ctx = data;

    ngx_http_tlsrpt_set_end(&ctx->set);
    tlsrpt_buf_free(&ctx->buf);
    tlsrpt_open_destroy(ctx->open);
}
