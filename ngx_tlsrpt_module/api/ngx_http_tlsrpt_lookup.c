/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_answer.h"
#include "ngx_http_tlsrpt_api.h"
#include "ngx_http_tlsrpt_error.h"
#include "ngx_http_tlsrpt_fetch.h"
#include "ngx_http_tlsrpt_lookup.h"
#include "ngx_http_tlsrpt_scope.h"
#include "ngx_http_tlsrpt_text.h"


typedef struct {
    tlsrpt_lookup_t             *lookup;
    ngx_str_t                    domain;
    ngx_http_request_t          *request;
    ngx_http_tlsrpt_text_t       text;      /* the CSV */
    tlsrpt_buf_t                 buf;       /* its end */
    unsigned                     is_csv:1;
} ngx_http_tlsrpt_lookup_t;


static ngx_int_t ngx_http_tlsrpt_lookup_next(void *data,
    ngx_http_tlsrpt_ask_t *ask);
static ngx_int_t ngx_http_tlsrpt_lookup_reply(void *data,
    ngx_http_tlsrpt_ask_t *ask, const tlsrpt_reply_t *reply);
static ngx_int_t ngx_http_tlsrpt_lookup_csv(ngx_http_tlsrpt_lookup_t *ctx,
    int at_end);
static ngx_int_t ngx_http_tlsrpt_lookup_done(void *data,
    ngx_http_request_t *r);
static void ngx_http_tlsrpt_lookup_destroy(void *data);


static const ngx_http_tlsrpt_fetch_type_t  ngx_http_tlsrpt_lookup_fetch = {
    ngx_http_tlsrpt_lookup_next,
    ngx_http_tlsrpt_lookup_reply,
    NULL,
    ngx_http_tlsrpt_lookup_done,
    ngx_http_tlsrpt_lookup_destroy
};


ngx_int_t
ngx_http_tlsrpt_lookup(ngx_http_request_t *r, ngx_str_t *domain,
    tlsrpt_lookup_t *lookup, ngx_uint_t is_csv)
{
    ngx_http_tlsrpt_lookup_t  *ctx;

    if (lookup == NULL) {
        return ngx_http_tlsrpt_error(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                     "out of memory");
    }

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_tlsrpt_lookup_t));
    if (ctx == NULL) {
        lookup->type->destroy(lookup);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->lookup = lookup;

    if (domain) {
        ctx->domain = *domain;
    }

    ctx->request = r;
    ctx->is_csv = (is_csv != 0);

    return ngx_http_tlsrpt_fetch(r, &ngx_http_tlsrpt_lookup_fetch, ctx);
}


static ngx_int_t
ngx_http_tlsrpt_lookup_next(void *data, ngx_http_tlsrpt_ask_t *ask)
{
    ngx_http_tlsrpt_lookup_t *ctx = data;

    ask->command = ctx->lookup->type->next(ctx->lookup, &ask->n);

    return ask->command ? NGX_OK : NGX_DONE;
}


static ngx_int_t
ngx_http_tlsrpt_lookup_reply(void *data, ngx_http_tlsrpt_ask_t *ask,
    const tlsrpt_reply_t *reply)
{
    ngx_http_tlsrpt_lookup_t *ctx = data;

    if (ctx->lookup->type->add(ctx->lookup, ask->n, reply) != TLSRPT_OK) {
        return NGX_ERROR;
    }

    return ctx->is_csv ? ngx_http_tlsrpt_lookup_csv(ctx, 0) : NGX_OK;
}


/* What there is of it by now. */

static ngx_int_t
ngx_http_tlsrpt_lookup_csv(ngx_http_tlsrpt_lookup_t *ctx, int at_end)
{
    if (ctx->lookup->type->csv(ctx->lookup, at_end, &ctx->buf) != 0) {
        return NGX_ERROR;
    }

    return ngx_http_tlsrpt_text_spill(ctx->request, &ctx->text, &ctx->buf,
                                      NGX_HTTP_TLSRPT_TEXT_MEMORY);
}


static ngx_int_t
ngx_http_tlsrpt_lookup_done(void *data, ngx_http_request_t *r)
{
    tlsrpt_buf_t              *buf;
    tlsrpt_str_t               domain;
    ngx_http_tlsrpt_lookup_t  *ctx = data;

    domain.data = (char *) ctx->domain.data;
    domain.len = ctx->domain.len;

    if (domain.len
        && !ngx_http_tlsrpt_visible(r, domain,
                                    ctx->lookup->type->seen(ctx->lookup)))
    {
        return ngx_http_tlsrpt_error(r, NGX_HTTP_NOT_FOUND,
                                     "no such domain");
    }

    if (ctx->is_csv) {
        if (ngx_http_tlsrpt_lookup_csv(ctx, 1) != NGX_OK) {
            return ngx_http_tlsrpt_error(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                         "out of memory");
        }

        buf = &ctx->buf;

        return ngx_http_tlsrpt_text_send(r, "text/csv; charset=utf-8",
                                         &ctx->text, &buf, 1);
    }

    return ngx_http_tlsrpt_answer_json(r,
                                       ctx->lookup->type->json(ctx->lookup));
}


static void
ngx_http_tlsrpt_lookup_destroy(void *data)
{
    ngx_http_tlsrpt_lookup_t *ctx = data;

    tlsrpt_buf_free(&ctx->buf);
    ctx->lookup->type->destroy(ctx->lookup);
}
