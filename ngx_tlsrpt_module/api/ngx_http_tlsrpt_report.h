/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * One report, as JSON or as a page to read.
 */

#ifndef NGX_HTTP_TLSRPT_REPORT_H
#define NGX_HTTP_TLSRPT_REPORT_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "tlsrpt_document.h"

#pragma GCC visibility push(hidden)

/* The media types, by their place among those of ngx_http_tlsrpt_api.h. */
enum {
    NGX_HTTP_TLSRPT_REPORT_JSON = 0,
    NGX_HTTP_TLSRPT_REPORT_TEXT,
    NGX_HTTP_TLSRPT_REPORT_READABLE,        /* so many are made by us */
    NGX_HTTP_TLSRPT_REPORT_GZIP = NGX_HTTP_TLSRPT_REPORT_READABLE,
    NGX_HTTP_TLSRPT_REPORT_PLAIN,
    NGX_HTTP_TLSRPT_REPORT_NTYPES = 5
};

extern const ngx_str_t  ngx_http_tlsrpt_report_media[];

/* The resource takes no parameters.  NGX_DECLINED: none is given; else the
   answer. */
ngx_int_t ngx_http_tlsrpt_report_params(ngx_http_request_t *r);

/* For a content handler to return. */
ngx_int_t ngx_http_tlsrpt_report_answer(ngx_http_request_t *r,
    tlsrpt_document_t *document, ngx_int_t type);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_REPORT_H */
