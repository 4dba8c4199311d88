/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Metrics of this nginx itself: of all its workers, and its registry.
 */

#ifndef NGX_HTTP_TLSRPT_METRICS_HOST_H
#define NGX_HTTP_TLSRPT_METRICS_HOST_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "tlsrpt_metrics.h"

#pragma GCC visibility push(hidden)

/* nomitted: domains over the bound of the page. */
void ngx_http_tlsrpt_metrics_host(tlsrpt_metrics_t *metrics,
    ngx_uint_t nomitted);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_METRICS_HOST_H */
