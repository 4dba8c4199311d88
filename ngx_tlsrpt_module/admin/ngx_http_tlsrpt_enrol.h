/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * ADMIN/domains/D: GET, PUT, DELETE.
 */

#ifndef NGX_HTTP_TLSRPT_ENROL_H
#define NGX_HTTP_TLSRPT_ENROL_H

#include "ngx_http_tlsrpt_admin.h"

#pragma GCC visibility push(hidden)

ngx_int_t ngx_http_tlsrpt_enrol_get(ngx_http_request_t *r,
    ngx_http_tlsrpt_admin_t *admin);
ngx_int_t ngx_http_tlsrpt_enrol_put(ngx_http_request_t *r,
    ngx_http_tlsrpt_admin_t *admin);
ngx_int_t ngx_http_tlsrpt_enrol_delete(ngx_http_request_t *r,
    ngx_http_tlsrpt_admin_t *admin);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_ENROL_H */
