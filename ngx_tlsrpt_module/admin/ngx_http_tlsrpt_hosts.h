/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * ADMIN/certificates: the hosts that need a certificate, and whether one does;
 * ADMIN/zone: the records of a zone of the provider's own.
 */

#ifndef NGX_HTTP_TLSRPT_HOSTS_H
#define NGX_HTTP_TLSRPT_HOSTS_H

#include "ngx_http_tlsrpt_admin.h"

#pragma GCC visibility push(hidden)

ngx_int_t ngx_http_tlsrpt_hosts(ngx_http_request_t *r,
    ngx_http_tlsrpt_admin_t *admin);
ngx_int_t ngx_http_tlsrpt_zone_text(ngx_http_request_t *r,
    ngx_http_tlsrpt_admin_t *admin);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_HOSTS_H */
