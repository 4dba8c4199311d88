/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Problems of domains, worked out when they are due: without a request, by one
 * worker of this nginx.
 */

#ifndef NGX_HTTP_TLSRPT_RECKON_H
#define NGX_HTTP_TLSRPT_RECKON_H

#include "ngx_http_tlsrpt_module.h"

#pragma GCC visibility push(hidden)

/* The domain is due in delay seconds, or when it is already.  Nobody waits for
   Redis's answer, and where Redis is away nothing is said. */
void ngx_http_tlsrpt_reckon_due(ngx_http_tlsrpt_main_conf_t *tmcf,
    tlsrpt_str_t domain, ngx_uint_t delay);

/* Works the domain out, for who drives that: with the policy that is served,
   and the score that it was claimed with; len 0: it was not.  NULL: no
   memory. */
tlsrpt_reckoning_t *ngx_http_tlsrpt_reckoning(
    ngx_http_tlsrpt_main_conf_t *tmcf, const ngx_str_t *domain,
    tlsrpt_str_t score);

/* Begins to look for what is due, if this worker is the one; with its start. */
void ngx_http_tlsrpt_reckon_begin(ngx_http_tlsrpt_main_conf_t *tmcf);

/* Ends that, at its exit. */
void ngx_http_tlsrpt_reckon_end(void);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_RECKON_H */
