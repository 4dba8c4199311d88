/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the registry needs by itself: what is over by time goes, and events of
 * changes come to their domains' lists.  By the worker that polls it.
 */

#ifndef NGX_HTTP_TLSRPT_UPKEEP_H
#define NGX_HTTP_TLSRPT_UPKEEP_H

#include "ngx_http_tlsrpt_module.h"

#pragma GCC visibility push(hidden)

/* With the start of a worker, to its exit. */
void ngx_http_tlsrpt_upkeep_begin(ngx_http_tlsrpt_main_conf_t *tmcf);
void ngx_http_tlsrpt_upkeep_end(void);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_UPKEEP_H */
