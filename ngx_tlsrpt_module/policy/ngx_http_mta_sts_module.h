/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The module that serves MTA-STS policies (RFC 8461): what others ask of it.
 */

#ifndef NGX_HTTP_MTA_STS_MODULE_H
#define NGX_HTTP_MTA_STS_MODULE_H

#include "ngx_http_mta_sts_table.h"

#pragma GCC visibility push(hidden)

extern ngx_module_t  ngx_http_mta_sts_module;

/* What is served for the domain (normalized); NULL: nothing. */

static ngx_inline ngx_http_mta_sts_policy_t *
ngx_http_mta_sts_served(ngx_http_request_t *r, const ngx_str_t *domain)
{
    return ngx_http_mta_sts_find(ngx_http_get_module_main_conf(r,
                                     ngx_http_mta_sts_module),
                                 domain->data, domain->len);
}

#pragma GCC visibility pop

#endif /* NGX_HTTP_MTA_STS_MODULE_H */
