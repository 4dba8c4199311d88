/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * DELETE ADMIN/domains/D/reports/ID, and POST .../reports/ID/restore: a report
 * is struck out, and that taken back.
 */

#ifndef NGX_HTTP_TLSRPT_STRIKE_H
#define NGX_HTTP_TLSRPT_STRIKE_H

#include "ngx_http_tlsrpt_admin.h"

#pragma GCC visibility push(hidden)

ngx_int_t ngx_http_tlsrpt_strike(ngx_http_request_t *r,
    ngx_http_tlsrpt_admin_t *admin);
ngx_int_t ngx_http_tlsrpt_restore(ngx_http_request_t *r,
    ngx_http_tlsrpt_admin_t *admin);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_STRIKE_H */
