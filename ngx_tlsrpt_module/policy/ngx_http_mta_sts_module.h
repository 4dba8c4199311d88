/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The module that serves MTA-STS policies (RFC 8461): what others ask of it.
 */

#ifndef NGX_HTTP_MTA_STS_MODULE_H
#define NGX_HTTP_MTA_STS_MODULE_H

#include "ngx_http_mta_sts_served.h"

#pragma GCC visibility push(hidden)

extern ngx_module_t  ngx_http_mta_sts_module;

/* What is served for the domain (normalized), as ngx_http_mta_sts_served() has
   it. */

static ngx_inline ngx_int_t
ngx_http_mta_sts_request_served(ngx_http_request_t *r,
    const ngx_str_t *domain, ngx_http_mta_sts_served_t *served)
{
    return ngx_http_mta_sts_served(ngx_http_get_module_main_conf(r,
                                       ngx_http_mta_sts_module),
                                   domain, r->pool, served);
}

#pragma GCC visibility pop

#endif /* NGX_HTTP_MTA_STS_MODULE_H */
