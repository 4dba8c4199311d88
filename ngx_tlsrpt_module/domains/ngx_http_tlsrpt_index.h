/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The index of the domains that reports ever came for, read a piece at a time.
 */

#ifndef NGX_HTTP_TLSRPT_INDEX_H
#define NGX_HTTP_TLSRPT_INDEX_H

#include "ngx_http_tlsrpt_module.h"

#pragma GCC visibility push(hidden)

typedef struct {
    tlsrpt_command_t  *command;             /* until the next, or the request's
                                               end; NULL at first */
} ngx_http_tlsrpt_index_t;

/* Makes the command for up to n names: those after the given one, which may be
   any string; len 0: the first. */
ngx_int_t ngx_http_tlsrpt_index_after(ngx_http_request_t *r,
    ngx_http_tlsrpt_index_t *index, tlsrpt_str_t name, ngx_uint_t n);

/* After the last name of a reply.  NGX_DONE: it was the last piece. */
ngx_int_t ngx_http_tlsrpt_index_next(ngx_http_request_t *r,
    ngx_http_tlsrpt_index_t *index, const tlsrpt_reply_t *reply, ngx_uint_t n);

/* Is it a domain name as it is kept: normalized?  What is not was not put into
   the index by us. */
ngx_uint_t ngx_http_tlsrpt_index_is_domain(const char *name, size_t len);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_INDEX_H */
