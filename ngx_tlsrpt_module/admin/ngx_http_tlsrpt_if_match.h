/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * If-Match (RFC 9110 13.1.1).
 */

#ifndef NGX_HTTP_TLSRPT_IF_MATCH_H
#define NGX_HTTP_TLSRPT_IF_MATCH_H

#include <ngx_config.h>
#include <ngx_core.h>

#pragma GCC visibility push(hidden)

/* Is the id of what there is among its tags?  In quotes or not: ids need none.
   "": it has none, and only "*" matches. */
ngx_uint_t ngx_http_tlsrpt_if_match(const ngx_str_t *tags, const char *id);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_IF_MATCH_H */
