/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What of the list of all domains is asked for.
 */

#ifndef NGX_HTTP_TLSRPT_CHOICE_H
#define NGX_HTTP_TLSRPT_CHOICE_H

#include "ngx_http_tlsrpt_api.h"
#include "tlsrpt_domain_part.h"

#pragma GCC visibility push(hidden)

typedef struct {
    ngx_pool_t            *pool;
    tlsrpt_query_t         query;           /* from, to, by */
    ngx_str_t              cursor;          /* the name before the page */
    ngx_uint_t             limit;           /* of a page */
    ngx_uint_t             status;          /* TLSRPT_NSTATUSES: any */
    tlsrpt_domain_part_t   part;            /* len 0: of any name */
    unsigned               is_csv:1;        /* so no page, but all */
} ngx_http_tlsrpt_choice_t;

/* Reads the query string.  NGX_DECLINED: go on; else what a content handler
   returns. */
ngx_int_t ngx_http_tlsrpt_choice(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target, ngx_http_tlsrpt_choice_t *choice);

static ngx_inline ngx_uint_t
ngx_http_tlsrpt_choice_is_filtered(ngx_http_tlsrpt_choice_t *choice)
{
    return choice->part.len || choice->status != TLSRPT_NSTATUSES;
}

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_CHOICE_H */
