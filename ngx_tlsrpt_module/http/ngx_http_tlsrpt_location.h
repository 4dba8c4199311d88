/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#ifndef NGX_HTTP_TLSRPT_LOCATION_H
#define NGX_HTTP_TLSRPT_LOCATION_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#pragma GCC visibility push(hidden)

/* The path of the request below its location, without the slash between them.
   NGX_DECLINED: it is not below. */
ngx_int_t ngx_http_tlsrpt_location_path(ngx_http_request_t *r,
    ngx_str_t *path);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_LOCATION_H */
