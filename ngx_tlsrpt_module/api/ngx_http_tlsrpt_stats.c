/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * BASE/domains/D: the statistics of one domain.
 */

#include "ngx_http_tlsrpt_answer.h"
#include "ngx_http_tlsrpt_api.h"
#include "ngx_http_tlsrpt_close.h"
#include "ngx_http_tlsrpt_error.h"
#include "ngx_http_tlsrpt_fetch.h"
#include "ngx_http_tlsrpt_module.h"
#include "ngx_http_tlsrpt_query.h"
#include "ngx_http_tlsrpt_scope.h"
#include "ngx_http_tlsrpt_text.h"


typedef struct {
    tlsrpt_query_t                query;
    tlsrpt_stats_t               *stats;
    tlsrpt_str_t                  domain;
    ngx_int_t                     type;     /* of _table_types */
    ngx_http_tlsrpt_text_t        text;     /* of the answer */
    tlsrpt_buf_t                  buf;      /* its end */
    unsigned                      checked:1;
    unsigned                      hidden:1; /* from this viewer */
} ngx_http_tlsrpt_stats_t;


static int ngx_http_tlsrpt_stats_param(void *data, tlsrpt_str_t name,
    tlsrpt_str_t value, tlsrpt_error_t *error);
static ngx_int_t ngx_http_tlsrpt_stats_next(void *data,
    ngx_http_tlsrpt_ask_t *ask);
static ngx_int_t ngx_http_tlsrpt_stats_reply(void *data,
    ngx_http_tlsrpt_ask_t *ask, const tlsrpt_reply_t *reply);
static ngx_int_t ngx_http_tlsrpt_stats_work(void *data, ngx_http_request_t *r);
static ngx_int_t ngx_http_tlsrpt_stats_done(void *data, ngx_http_request_t *r);
static void ngx_http_tlsrpt_stats_destroy(void *data);


static const ngx_http_tlsrpt_fetch_type_t  ngx_http_tlsrpt_stats_fetch = {
    ngx_http_tlsrpt_stats_next,
    ngx_http_tlsrpt_stats_reply,
    ngx_http_tlsrpt_stats_work,
    ngx_http_tlsrpt_stats_done,
    ngx_http_tlsrpt_stats_destroy
};


ngx_int_t
ngx_http_tlsrpt_stats_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target)
{
    ngx_int_t                 rc;
    ngx_http_tlsrpt_stats_t  *st;

    st = ngx_pcalloc(r->pool, sizeof(ngx_http_tlsrpt_stats_t));
    if (st == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    tlsrpt_query_init(&st->query, ngx_time());
    ngx_http_tlsrpt_query_retain(r, &st->query);
    ngx_http_tlsrpt_query_since(r, &st->query, &target->domain);

    rc = ngx_http_tlsrpt_query(r, ngx_http_tlsrpt_stats_param, &st->query,
                               &st->query);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    st->type = target->type;
    st->domain = ngx_http_tlsrpt_str(&target->domain);

    st->stats = tlsrpt_stats_create(&st->query, st->domain,
                                    ngx_http_tlsrpt_prefix(r));
    if (st->stats == NULL) {
        return ngx_http_tlsrpt_error(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                     "out of memory");
    }

    return ngx_http_tlsrpt_fetch(r, &ngx_http_tlsrpt_stats_fetch, st);
}


static int
ngx_http_tlsrpt_stats_param(void *data, tlsrpt_str_t name, tlsrpt_str_t value,
    tlsrpt_error_t *error)
{
    return tlsrpt_query_param(data, name, value, error);
}


static ngx_int_t
ngx_http_tlsrpt_stats_next(void *data, ngx_http_tlsrpt_ask_t *ask)
{
    ngx_http_tlsrpt_stats_t *st = data;

    ask->command = tlsrpt_stats_next(st->stats, &ask->n);

    return ask->command ? NGX_OK : NGX_DONE;
}


static ngx_int_t
ngx_http_tlsrpt_stats_reply(void *data, ngx_http_tlsrpt_ask_t *ask,
    const tlsrpt_reply_t *reply)
{
    ngx_http_tlsrpt_stats_t *st = data;

    return tlsrpt_stats_add(st->stats, ask->n, reply) == TLSRPT_OK
           ? NGX_OK : NGX_ERROR;
}


/* The answer, a piece after the other. */

static ngx_int_t
ngx_http_tlsrpt_stats_work(void *data, ngx_http_request_t *r)
{
    ngx_http_tlsrpt_stats_t *st = data;

    int  rc;

    if (!st->checked) {
        st->checked = 1;
        st->hidden = !ngx_http_tlsrpt_visible(r, st->domain,
                                              tlsrpt_stats_seen(st->stats));
    }

    if (st->hidden) {
        return NGX_OK;
    }

    rc = tlsrpt_stats_write(st->stats, st->type == NGX_HTTP_TLSRPT_CSV,
                            &st->buf);

    if (rc < 0
        || ngx_http_tlsrpt_text_spill(r, &st->text, &st->buf,
                                      NGX_HTTP_TLSRPT_TEXT_MEMORY)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return rc > 0 ? NGX_AGAIN : NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_stats_done(void *data, ngx_http_request_t *r)
{
    ngx_http_tlsrpt_stats_t *st = data;

    tlsrpt_buf_t  *buf;

    if (st->hidden) {
        return ngx_http_tlsrpt_error(r, NGX_HTTP_NOT_FOUND,
                                       "no such domain");
    }

    if (tlsrpt_stats_due(st->stats)) {
        ngx_http_tlsrpt_close(ngx_http_get_module_main_conf(r,
                                                    ngx_http_tlsrpt_module),
                              st->domain);
    }

    buf = &st->buf;

    return ngx_http_tlsrpt_text_send(r,
                st->type == NGX_HTTP_TLSRPT_CSV
                    ? "text/csv; charset=utf-8"
                    : "application/json; charset=utf-8",
                &st->text, &buf, 1);
}


static void
ngx_http_tlsrpt_stats_destroy(void *data)
{
    ngx_http_tlsrpt_stats_t *st = data;

    tlsrpt_buf_free(&st->buf);
    tlsrpt_stats_destroy(st->stats);
}
