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

/* Makes the handler that of the location, for a directive to return.  What is
   handled is below the location, and needs Redis. */
char *ngx_http_tlsrpt_location_handler(ngx_conf_t *cf, ngx_command_t *cmd,
    ngx_http_handler_pt handler);

/* What nginx refuses on its own (client_max_body_size, broken chunks) comes
   back to the location, whose handler words the error.  After the error pages
   of the configuration, which win. */
ngx_int_t ngx_http_tlsrpt_location_errors(ngx_conf_t *cf);

/* The path of the request below its location, without the slash between them.
   NGX_DECLINED: it is not below. */
ngx_int_t ngx_http_tlsrpt_location_path(ngx_http_request_t *r,
    ngx_str_t *path);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_LOCATION_H */
