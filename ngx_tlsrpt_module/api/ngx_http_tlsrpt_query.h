/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The query string of a resource that is asked for days.
 */

#ifndef NGX_HTTP_TLSRPT_QUERY_H
#define NGX_HTTP_TLSRPT_QUERY_H

#include "ngx_http_tlsrpt_params.h"
#include "tlsrpt_query.h"

#pragma GCC visibility push(hidden)


/* Gives each parameter to the handler, which puts it into data, of which query
   is a part.  NGX_DECLINED: they are good; anything else is the answer. */
ngx_int_t ngx_http_tlsrpt_query(ngx_http_request_t *r,
    ngx_http_tlsrpt_param_pt handler, void *data, const tlsrpt_query_t *query);

/* The same where "from" and "to" are the only parameters.  Sets query. */
ngx_int_t ngx_http_tlsrpt_query_days(ngx_http_request_t *r,
    tlsrpt_query_t *query, const ngx_str_t *domain);

/* For a query that was begun: days past the retention are not shown. */
void ngx_http_tlsrpt_query_retain(ngx_http_request_t *r,
    tlsrpt_query_t *query);
/* Of this domain no more than the viewer may see: an owner what came since it
   was proved. */
void ngx_http_tlsrpt_query_since(ngx_http_request_t *r, tlsrpt_query_t *query,
    const ngx_str_t *domain);


/* Where a page begins, and how much is on it.  cursor.data NULL: with the
   first. */
typedef struct {
    ngx_http_request_t  *request;
    ngx_uint_t           limit;
    tlsrpt_str_t         cursor;            /* of the request's pool */
} ngx_http_tlsrpt_paging_t;

#define NGX_HTTP_TLSRPT_PAGING_DEFAULT  100
#define NGX_HTTP_TLSRPT_PAGING_MAX      1000

/* "cursor" or "limit": TLSRPT_OK or an error; what is neither is unknown. */
int ngx_http_tlsrpt_paging_param(ngx_http_tlsrpt_paging_t *paging,
    tlsrpt_str_t name, tlsrpt_str_t value, tlsrpt_error_t *error);

/* For a cursor that turned out to be none. */
ngx_int_t ngx_http_tlsrpt_paging_refuse(ngx_http_request_t *r);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_QUERY_H */
