/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The addresses that reports are sent to: the directive tlsrpt_report_uri, and
 * what they are for one domain.
 */

#ifndef NGX_HTTP_TLSRPT_REPORT_URI_H
#define NGX_HTTP_TLSRPT_REPORT_URI_H

#include "ngx_http_tlsrpt_module.h"

#pragma GCC visibility push(hidden)

/* The directive; conf is the module's main configuration. */
char *ngx_http_tlsrpt_report_uri(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* One of them as the domain has it, with its token: LOCATION/TOKEN of an https:
   URI; of a mailto: one, local+TOKEN@host, where the domain is enrolled: a
   configured one's token is for HTTPS alone.  known: NULL where nobody has a
   token for it.  NGX_OK or NGX_ERROR. */
ngx_int_t ngx_http_tlsrpt_report_uri_of(ngx_str_t *uri,
    ngx_http_tlsrpt_domain_t *known, ngx_pool_t *pool, tlsrpt_str_t *made);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_REPORT_URI_H */
