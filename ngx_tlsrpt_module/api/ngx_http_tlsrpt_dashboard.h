/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The dashboard: static files that are part of the module.
 */

#ifndef NGX_HTTP_TLSRPT_DASHBOARD_H
#define NGX_HTTP_TLSRPT_DASHBOARD_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#pragma GCC visibility push(hidden)

typedef struct {
    ngx_str_t     path;         /* below the location; empty: index.html,
                                   without what its location adds */
    const char   *type;
    const u_char *plain;
    size_t        plain_len;
    const u_char *gzip;
    size_t        gzip_len;
} ngx_http_tlsrpt_dashboard_file_t;

/* Made by tools/dashboard-to-c; the last one has no type.  The version is a
   digest of all of them, and part of the paths. */
extern const ngx_http_tlsrpt_dashboard_file_t
    ngx_http_tlsrpt_dashboard_files[];
extern const char  ngx_http_tlsrpt_dashboard_version[];

/* NULL: there is none at the path. */
const ngx_http_tlsrpt_dashboard_file_t *ngx_http_tlsrpt_dashboard_file(
    ngx_str_t *path);

/* NGX_DECLINED: the path is not the dashboard's.  Without the slash after the
   location, a redirect to the address with it. */
ngx_int_t ngx_http_tlsrpt_dashboard_handler(ngx_http_request_t *r,
    ngx_str_t *path);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_DASHBOARD_H */
