/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Choosing what to answer with by Accept (RFC 9110 12.5.1).
 */

#ifndef NGX_HTTP_TLSRPT_ACCEPT_H
#define NGX_HTTP_TLSRPT_ACCEPT_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#pragma GCC visibility push(hidden)

#define NGX_HTTP_TLSRPT_NOT_ACCEPTABLE  406

/*
 * The index of the media type the client likes best; among equals the one it
 * named more precisely, then the first.  A client that names nothing of ours
 * gets the first, unless it says that it will not have it (q=0):
 * NGX_DECLINED, which is
 * answered by 406.
 */
ngx_int_t ngx_http_tlsrpt_accept(ngx_http_request_t *r, const ngx_str_t *types,
    ngx_uint_t ntypes);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_ACCEPT_H */
