/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * POST ADMIN/domains/D/check: DNS is looked at now.
 */

#ifndef NGX_HTTP_TLSRPT_CHECK_H
#define NGX_HTTP_TLSRPT_CHECK_H

#include "ngx_http_tlsrpt_admin.h"

#pragma GCC visibility push(hidden)

ngx_int_t ngx_http_tlsrpt_check(ngx_http_request_t *r,
    ngx_http_tlsrpt_admin_t *admin);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_CHECK_H */
