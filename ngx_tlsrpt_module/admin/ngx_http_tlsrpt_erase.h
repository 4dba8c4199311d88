/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * DELETE ADMIN/domains/D?erase=1: a domain's counts and reports go.
 */

#ifndef NGX_HTTP_TLSRPT_ERASE_H
#define NGX_HTTP_TLSRPT_ERASE_H

#include "ngx_http_tlsrpt_admin.h"

#include <jansson.h>

#pragma GCC visibility push(hidden)

/* Erases them, and answers with the JSON then, which it takes; NULL: 204.  The
   domain lives as long as the request; now: seconds; proved: what was before
   stays, 0: nothing does. */
ngx_int_t ngx_http_tlsrpt_erase(ngx_http_request_t *r, ngx_str_t *domain,
    int64_t now, int64_t proved, ngx_uint_t status, json_t *json);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_ERASE_H */
