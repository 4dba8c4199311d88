/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Error answers, as application/problem+json (RFC 9457).  All return what a
 * content handler returns, or what is given to ngx_http_finalize_request.  They
 * discard what is left of the request's body.
 */

#ifndef NGX_HTTP_TLSRPT_ERROR_H
#define NGX_HTTP_TLSRPT_ERROR_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "tlsrpt_collect.h"

#pragma GCC visibility push(hidden)

/* {"type":"about:blank","title","status","detail"}; title is the status's.
   detail is NUL ended UTF-8, or NULL.  503 and 429 bring Retry-After. */
ngx_int_t ngx_http_tlsrpt_error(ngx_http_request_t *r, ngx_uint_t status,
    const char *detail);

/* The same, with "path": where in the body it is; "" or NULL: nowhere. */
ngx_int_t ngx_http_tlsrpt_error_at(ngx_http_request_t *r, ngx_uint_t status,
    const char *path, const char *detail);

/* The same for an error of the core: its status, its text and detail, and
   "path", "line", "column", "offset" where it has them. */
ngx_int_t ngx_http_tlsrpt_error_of(ngx_http_request_t *r,
    const tlsrpt_error_t *error);

/* What nginx refused on its own, within r->err_status. */
ngx_int_t ngx_http_tlsrpt_error_refused(ngx_http_request_t *r);

/* Was it limit_req or limit_conn that did? */
ngx_uint_t ngx_http_tlsrpt_is_limited(ngx_http_request_t *r);

/* 405; allow as in "GET, HEAD". */
ngx_int_t ngx_http_tlsrpt_error_method(ngx_http_request_t *r,
    const char *allow);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_ERROR_H */
