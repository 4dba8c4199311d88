/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What is done with a domain that one holds: the operator with any, an owner
 * with one that it has proved and still holds.
 */

#ifndef NGX_HTTP_TLSRPT_HELD_H
#define NGX_HTTP_TLSRPT_HELD_H

#include "ngx_http_tlsrpt_admin.h"

#pragma GCC visibility push(hidden)

/* Calls then() where whoever asks may do it; else 404, as for a domain that
   nobody has.  For a content handler to return. */
ngx_int_t ngx_http_tlsrpt_held(ngx_http_request_t *r,
    ngx_http_tlsrpt_admin_t *admin, ngx_http_tlsrpt_admin_pt then);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_HELD_H */
