/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A request's body, in memory or in nginx's temporary file, and the reader of
 * the reports that are in one.
 */

#ifndef NGX_HTTP_TLSRPT_BODY_H
#define NGX_HTTP_TLSRPT_BODY_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "tlsrpt_collect.h"

#pragma GCC visibility push(hidden)

/* Reads it, then the handler answers as a content handler does; NGX_DONE:
   later.  For a content handler to return. */
ngx_int_t ngx_http_tlsrpt_body_read(ngx_http_request_t *r,
    ngx_http_handler_pt handler);

/* Is it larger than max?  To be asked before _read(), which saves reading, and
   within the handler. */
ngx_uint_t ngx_http_tlsrpt_body_exceeds(ngx_http_request_t *r, size_t max);

off_t ngx_http_tlsrpt_body_size(ngx_http_request_t *r);

/* The body in one piece, of the request's pool.  NGX_OK or NGX_ERROR. */
ngx_int_t ngx_http_tlsrpt_body_text(ngx_http_request_t *r, ngx_str_t *text);

/*
 * Reads the report in it by the worker's reader, a large one piece by piece.
 *
 *     NGX_OK        *report, valid until the next report is read
 *     NGX_DECLINED  it is none: *error, valid as long
 *     NGX_ERROR     the body cannot be read back; *error is NULL
 */
ngx_int_t ngx_http_tlsrpt_body_report(ngx_http_request_t *r,
    const tlsrpt_reader_conf_t *conf, const tlsrpt_report_t **report,
    const tlsrpt_error_t **error);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_BODY_H */
