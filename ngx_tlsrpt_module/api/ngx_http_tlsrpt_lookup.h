/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Answers with one of the core's lookups, as JSON or CSV.
 */

#ifndef NGX_HTTP_TLSRPT_LOOKUP_H
#define NGX_HTTP_TLSRPT_LOOKUP_H

#include "ngx_http_tlsrpt_module.h"
#include "tlsrpt_lookup.h"

#pragma GCC visibility push(hidden)

/* For a resource to return.  Takes the lookup, NULL included: that is out of
   memory, 503.  A domain that the viewer may not see is 404; NULL: that was
   seen to. */
ngx_int_t ngx_http_tlsrpt_lookup(ngx_http_request_t *r, ngx_str_t *domain,
    tlsrpt_lookup_t *lookup, ngx_uint_t is_csv);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_LOOKUP_H */
