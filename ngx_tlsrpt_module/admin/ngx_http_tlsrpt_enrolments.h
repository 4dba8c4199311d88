/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * ADMIN/domains: a page of them, or all, to be enrolled elsewhere.
 */

#ifndef NGX_HTTP_TLSRPT_ENROLMENTS_H
#define NGX_HTTP_TLSRPT_ENROLMENTS_H

#include "ngx_http_tlsrpt_admin.h"

#pragma GCC visibility push(hidden)

ngx_int_t ngx_http_tlsrpt_enrolments(ngx_http_request_t *r,
    ngx_http_tlsrpt_admin_t *admin);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_ENROLMENTS_H */
