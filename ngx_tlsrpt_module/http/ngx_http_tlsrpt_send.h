/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Sending an answer.  All return what a content handler returns, or what is
 * given to ngx_http_finalize_request.
 */

#ifndef NGX_HTTP_TLSRPT_SEND_H
#define NGX_HTTP_TLSRPT_SEND_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#pragma GCC visibility push(hidden)

/* Bytes already in the request's pool or static.  type is a static string.  The
   answer is never cached (Cache-Control: no-store). */
ngx_int_t ngx_http_tlsrpt_send(ngx_http_request_t *r, ngx_uint_t status,
    const char *type, u_char *data, size_t len);

/* The header alone, for a body of so many bytes. */
ngx_int_t ngx_http_tlsrpt_send_head(ngx_http_request_t *r, ngx_uint_t status,
    const char *type, off_t len);

/* Likewise, with a text that was allocated by malloc(), which it takes. */
ngx_int_t ngx_http_tlsrpt_send_text(ngx_http_request_t *r, ngx_uint_t status,
    const char *type, char *text, size_t len);

/* The header as it is, and the body, which is not copied. */
ngx_int_t ngx_http_tlsrpt_send_body(ngx_http_request_t *r, const u_char *data,
    size_t len);

/* Adds a response header; key is static, value static or of the pool. */
ngx_int_t ngx_http_tlsrpt_add_header(ngx_http_request_t *r, const char *key,
    const char *value);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_SEND_H */
