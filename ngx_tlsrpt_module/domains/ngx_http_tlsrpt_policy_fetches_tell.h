/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tells Redis how many requests for policies were counted, by whichever worker
 * comes first, every ten seconds while there is anything; where a worker exits,
 * at once.
 */

#ifndef NGX_HTTP_TLSRPT_POLICY_FETCHES_TELL_H
#define NGX_HTTP_TLSRPT_POLICY_FETCHES_TELL_H

#include "ngx_http_tlsrpt_policy_fetches_zone.h"

#pragma GCC visibility push(hidden)

/* With the start of a worker, to its exit. */
void ngx_http_tlsrpt_policy_fetches_begin(ngx_http_tlsrpt_main_conf_t *tmcf);
void ngx_http_tlsrpt_policy_fetches_end(void);

/* This worker has counted something. */
void ngx_http_tlsrpt_policy_fetches_wait(void);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_POLICY_FETCHES_TELL_H */
