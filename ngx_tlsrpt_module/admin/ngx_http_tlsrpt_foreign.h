/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Requests that another site made a browser send, with the passwords or cookies
 * that it has for this one.
 */

#ifndef NGX_HTTP_TLSRPT_FOREIGN_H
#define NGX_HTTP_TLSRPT_FOREIGN_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#pragma GCC visibility push(hidden)

/* Does the request change anything, and was or may it have been made so?  Then
   it is refused: *rc is what a content handler returns.  body: it takes one. */
ngx_uint_t ngx_http_tlsrpt_foreign(ngx_http_request_t *r, ngx_uint_t body,
    ngx_int_t *rc);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_FOREIGN_H */
