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

off_t ngx_http_tlsrpt_body_size(ngx_http_request_t *r);

/* Feeds it to the reader, a large one piece by piece.  NGX_OK; NGX_DECLINED:
   the reader has the error; NGX_ERROR: of the file, or of memory. */
ngx_int_t ngx_http_tlsrpt_body_feed(ngx_http_request_t *r,
    tlsrpt_reader_t *reader);

/* The body in one piece, of the request's pool.  NGX_OK or NGX_ERROR. */
ngx_int_t ngx_http_tlsrpt_body_text(ngx_http_request_t *r, ngx_str_t *text);

/* The worker's one; what it read is valid until it is used again.  NULL: no
   memory. */
tlsrpt_reader_t *ngx_http_tlsrpt_reader(ngx_http_request_t *r);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_BODY_H */
