/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The directives of enrolment.
 */

#ifndef NGX_HTTP_TLSRPT_ADMIN_CONF_H
#define NGX_HTTP_TLSRPT_ADMIN_CONF_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#pragma GCC visibility push(hidden)

/* tlsrpt_admin and tlsrpt_certificates, of the location's configuration;
   tlsrpt_zone, of the main one. */
char *ngx_http_tlsrpt_admin(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_tlsrpt_certificates(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_tlsrpt_provider_zone(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* Of a location with tlsrpt_admin, once all is read: what nginx -t remarks. */
void ngx_http_tlsrpt_admin_remark(ngx_conf_t *cf);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_ADMIN_CONF_H */
