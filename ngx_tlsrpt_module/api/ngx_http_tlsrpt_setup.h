/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * BASE/domains/D/records and BASE/domains/D/setup: what the last check saw of
 * the domain, beside what is to be published.
 */

#ifndef NGX_HTTP_TLSRPT_SETUP_H
#define NGX_HTTP_TLSRPT_SETUP_H

#include "ngx_http_tlsrpt_module.h"
#include "tlsrpt_setup.h"

#pragma GCC visibility push(hidden)

/* For a resource to return, once the viewer was seen to see the domain. */
ngx_int_t ngx_http_tlsrpt_setup(ngx_http_request_t *r,
    const tlsrpt_setup_ask_t *ask);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_SETUP_H */
