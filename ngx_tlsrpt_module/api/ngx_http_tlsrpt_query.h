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
    tlsrpt_query_t *query);

/* For a query that was begun: days past the retention are not shown. */
void ngx_http_tlsrpt_query_retain(ngx_http_request_t *r,
    tlsrpt_query_t *query);


#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_QUERY_H */
