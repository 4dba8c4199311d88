/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The directive of reading, and the page that it serves.
 */

#ifndef NGX_HTTP_TLSRPT_STATS_CONF_H
#define NGX_HTTP_TLSRPT_STATS_CONF_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_tlsrpt_module.h"

#pragma GCC visibility push(hidden)

/* tlsrpt_stats, of the location's configuration. */
char *ngx_http_tlsrpt_stats(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* Of a location with tlsrpt_stats, once all is read: makes its index.html, in
   which the dashboard finds what the server knows, as attributes of <body>. */
ngx_int_t ngx_http_tlsrpt_stats_page(ngx_conf_t *cf,
    ngx_http_tlsrpt_loc_conf_t *tlcf);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_STATS_CONF_H */
