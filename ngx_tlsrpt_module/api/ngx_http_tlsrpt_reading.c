/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_answer.h"
#include "ngx_http_tlsrpt_problem.h"
#include "ngx_http_tlsrpt_read.h"
#include "ngx_http_tlsrpt_scope.h"
#include "ngx_http_tlsrpt_reading.h"
#include "ngx_http_tlsrpt_api.h"


typedef struct {
    tlsrpt_reading_t             *reading;
    ngx_str_t                     domain;
} ngx_http_tlsrpt_reading_ctx_t;


static ngx_int_t ngx_http_tlsrpt_reading_next(void *data,
    ngx_http_tlsrpt_ask_t *ask);
static ngx_int_t ngx_http_tlsrpt_reading_reply(void *data,
    ngx_http_tlsrpt_ask_t *ask, const tlsrpt_reply_t *reply);
static ngx_int_t ngx_http_tlsrpt_reading_done(void *data,
    ngx_http_request_t *r);
static void ngx_http_tlsrpt_reading_destroy(void *data);


static const ngx_http_tlsrpt_reading_t  ngx_http_tlsrpt_core_reading = {
    ngx_http_tlsrpt_reading_next,
    ngx_http_tlsrpt_reading_reply,
    ngx_http_tlsrpt_reading_done,
    ngx_http_tlsrpt_reading_destroy
};


ngx_int_t
ngx_http_tlsrpt_reading(ngx_http_request_t *r, ngx_str_t *domain,
    tlsrpt_reading_t *reading)
{
    ngx_http_tlsrpt_reading_ctx_t  *ctx;

    if (reading == NULL) {
        return ngx_http_tlsrpt_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                       "out of memory");
    }

    ctx = ngx_palloc(r->pool, sizeof(ngx_http_tlsrpt_reading_ctx_t));
    if (ctx == NULL) {
        reading->type->destroy(reading);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->reading = reading;
    ctx->domain = *domain;

    return ngx_http_tlsrpt_read(r, &ngx_http_tlsrpt_core_reading, ctx);
}


static ngx_int_t
ngx_http_tlsrpt_reading_next(void *data, ngx_http_tlsrpt_ask_t *ask)
{
    ngx_http_tlsrpt_reading_ctx_t *ctx = data;

    ask->command = ctx->reading->type->next(ctx->reading, &ask->n);

    return ask->command ? NGX_OK : NGX_DONE;
}


static ngx_int_t
ngx_http_tlsrpt_reading_reply(void *data, ngx_http_tlsrpt_ask_t *ask,
    const tlsrpt_reply_t *reply)
{
    ngx_http_tlsrpt_reading_ctx_t *ctx = data;

    return ctx->reading->type->add(ctx->reading, ask->n, reply) == TLSRPT_OK
           ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_tlsrpt_reading_done(void *data, ngx_http_request_t *r)
{
    tlsrpt_str_t                    domain;
    ngx_http_tlsrpt_reading_ctx_t  *ctx = data;

    domain.data = (char *) ctx->domain.data;
    domain.len = ctx->domain.len;

    if (!ngx_http_tlsrpt_visible(r, domain,
                                 ctx->reading->type->seen(ctx->reading)))
    {
        return ngx_http_tlsrpt_problem(r, NGX_HTTP_NOT_FOUND,
                                       "no such domain");
    }

    return ngx_http_tlsrpt_answer_json(r,
                                  ctx->reading->type->json(ctx->reading));
}


static void
ngx_http_tlsrpt_reading_destroy(void *data)
{
    ngx_http_tlsrpt_reading_ctx_t *ctx = data;

    ctx->reading->type->destroy(ctx->reading);
}
