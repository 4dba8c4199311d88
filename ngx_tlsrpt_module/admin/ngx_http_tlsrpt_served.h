/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What this server is, and serves, for the core to answer with; and the time
 * that all hosts have.
 */

#ifndef NGX_HTTP_TLSRPT_SERVED_H
#define NGX_HTTP_TLSRPT_SERVED_H

#include "ngx_http_tlsrpt_module.h"
#include "tlsrpt_registry.h"

#pragma GCC visibility push(hidden)

/* The policy that the configuration has for the domain (normalized): NGX_OK;
   NGX_DECLINED: none. */
ngx_int_t ngx_http_tlsrpt_configured_policy(ngx_http_request_t *r,
    const ngx_str_t *domain, mta_sts_policy_t *policy);

/* What is served of an enrolment; other: the holder of what it is same-as, as
   Redis has it, NULL: none.  The configuration wins on its node.  To be freed
   by tlsrpt_served_free().  NGX_OK or NGX_ERROR: no memory. */
ngx_int_t ngx_http_tlsrpt_served(ngx_http_request_t *r,
    const tlsrpt_enrolment_t *e, const tlsrpt_enrolment_t *other, int64_t now,
    tlsrpt_served_t *served);

/* Where this server is.  NGX_OK or NGX_ERROR: no memory. */
ngx_int_t ngx_http_tlsrpt_provider(ngx_http_request_t *r,
    tlsrpt_provider_t *provider);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_SERVED_H */
