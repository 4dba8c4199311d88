/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The path of a request, segment by segment.
 */

#ifndef NGX_HTTP_TLSRPT_PATH_H
#define NGX_HTTP_TLSRPT_PATH_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#pragma GCC visibility push(hidden)

/* What follows the location, without the slashes around it.  NGX_DECLINED: it
   is not below. */
ngx_int_t ngx_http_tlsrpt_path(ngx_http_request_t *r, ngx_str_t *path);

/* Takes the first part off the rest, with the separator after it. */
void ngx_http_tlsrpt_path_cut(ngx_str_t *rest, u_char separator,
    ngx_str_t *first);

/* Segments ":domain" and ":id" of the pattern take any one of the path; len 0:
   the pattern has none. */
ngx_uint_t ngx_http_tlsrpt_path_match(const ngx_str_t *pattern,
    const ngx_str_t *path, ngx_str_t *domain, ngx_str_t *id);

/* The segment as it was given becomes the name, normalized and of the request's
   pool.  NGX_OK; NGX_DECLINED: it is no name; NGX_ERROR: no memory. */
ngx_int_t ngx_http_tlsrpt_path_domain(ngx_http_request_t *r,
    ngx_str_t *domain);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_PATH_H */
