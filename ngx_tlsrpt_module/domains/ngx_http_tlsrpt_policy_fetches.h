/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Requests for policies (https://mta-sts.DOMAIN/.well-known/mta-sts.txt), in
 * whatever server of this nginx they were answered, are counted by domain, day
 * and status: for domains that are known here alone.  Redis is told every ten
 * seconds (tlsrpt_fetches.h).
 */

#ifndef NGX_HTTP_TLSRPT_POLICY_FETCHES_H
#define NGX_HTTP_TLSRPT_POLICY_FETCHES_H

#include "ngx_http_tlsrpt_module.h"

#pragma GCC visibility push(hidden)

/* Once the configuration is read: memory, and a handler of the log phase; where
   there is a Redis. */
ngx_int_t ngx_http_tlsrpt_policy_fetches_init(ngx_conf_t *cf);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_POLICY_FETCHES_H */
