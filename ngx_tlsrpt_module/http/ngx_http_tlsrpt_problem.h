/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Answers in JSON; errors as application/problem+json (RFC 9457).
 * All return what a content handler returns, or what is given to
 * ngx_http_finalize_request.  None is ever cached (Cache-Control: no-store).
 */

#ifndef NGX_HTTP_TLSRPT_PROBLEM_H
#define NGX_HTTP_TLSRPT_PROBLEM_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "tlsrpt_collect.h"

#pragma GCC visibility push(hidden)

/* {"type":"about:blank","title","status","detail"}; title is the status's.
   detail is NUL ended UTF-8, or NULL.  503 and 429 bring Retry-After. */
ngx_int_t ngx_http_tlsrpt_problem(ngx_http_request_t *r, ngx_uint_t status,
    const char *detail);

/* The same for an error of the core: its status, its text and detail, and
   "path", "line", "column", "offset" where it has them. */
ngx_int_t ngx_http_tlsrpt_problem_error(ngx_http_request_t *r,
    const tlsrpt_error_t *error);

/* What nginx refused on its own, within r->err_status. */
ngx_int_t ngx_http_tlsrpt_problem_refused(ngx_http_request_t *r);

/* Was it limit_req or limit_conn that did? */
ngx_uint_t ngx_http_tlsrpt_is_limited(ngx_http_request_t *r);

/* 405; allow as in "GET, HEAD". */
ngx_int_t ngx_http_tlsrpt_problem_method(ngx_http_request_t *r,
    const char *allow);

/* Bytes already in the request's pool or static.  type is a static string. */
ngx_int_t ngx_http_tlsrpt_send(ngx_http_request_t *r, ngx_uint_t status,
    const char *type, u_char *data, size_t len);

/* The same with a text that was allocated by malloc(), which it takes. */
ngx_int_t ngx_http_tlsrpt_send_text(ngx_http_request_t *r, ngx_uint_t status,
    const char *type, char *text, size_t len);

/* The header as it is, and the body, which is not copied. */
ngx_int_t ngx_http_tlsrpt_send_body(ngx_http_request_t *r, const u_char *data,
    size_t len);

/* Adds a response header; key is static, value static or of the pool. */
ngx_int_t ngx_http_tlsrpt_add_header(ngx_http_request_t *r, const char *key,
    const char *value);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_PROBLEM_H */
