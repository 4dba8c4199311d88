/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A text that grows, of which little is in memory: what is large waits for a
 * slow viewer in a temporary file, beside the bodies of requests.
 */

#ifndef NGX_HTTP_TLSRPT_TEXT_H
#define NGX_HTTP_TLSRPT_TEXT_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "tlsrpt_buf.h"

#pragma GCC visibility push(hidden)

/* What may stay in memory.  Of a text made in turns, and of one that came
   whole. */
#define NGX_HTTP_TLSRPT_TEXT_MEMORY  16384
#define NGX_HTTP_TLSRPT_TEXT_WHOLE   (512 * 1024)

/* All zeroes is an empty one.  The file is the request's pool's. */
typedef struct {
    ngx_temp_file_t  *file;
    off_t             size;                 /* of what is in it */
} ngx_http_tlsrpt_text_t;

/* Puts what is in buf into the file where it is over so much, and empties it:
   NGX_OK or NGX_ERROR, which is logged. */
ngx_int_t ngx_http_tlsrpt_text_spill(ngx_http_request_t *r,
    ngx_http_tlsrpt_text_t *text, tlsrpt_buf_t *buf, size_t over);

/* Sends the header and n texts, each with what is in its buffer, which it
   takes.  type is a static string.  For a content handler to return. */
ngx_int_t ngx_http_tlsrpt_text_send(ngx_http_request_t *r, const char *type,
    ngx_http_tlsrpt_text_t *texts, tlsrpt_buf_t **bufs, ngx_uint_t n);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_TEXT_H */
