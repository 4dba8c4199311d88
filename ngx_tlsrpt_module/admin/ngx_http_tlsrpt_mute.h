/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * PUT ADMIN/domains/D/problems/ID: no alerts for it until a day.
 */

#ifndef NGX_HTTP_TLSRPT_MUTE_H
#define NGX_HTTP_TLSRPT_MUTE_H

#include "ngx_http_tlsrpt_admin.h"

#pragma GCC visibility push(hidden)

ngx_int_t ngx_http_tlsrpt_mute(ngx_http_request_t *r,
    ngx_http_tlsrpt_admin_t *admin);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_MUTE_H */
