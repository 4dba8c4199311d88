/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Lists of names in the order in which Redis has the index of domains.
 */

#ifndef NGX_HTTP_TLSRPT_NAMES_H
#define NGX_HTTP_TLSRPT_NAMES_H

#include <ngx_config.h>
#include <ngx_core.h>

#pragma GCC visibility push(hidden)

/* Below 0, 0 or above: bytewise. */
ngx_int_t ngx_http_tlsrpt_names_order(const ngx_str_t *one,
    const ngx_str_t *two);

/* Sorts the names (of ngx_str_t), and leaves each once. */
void ngx_http_tlsrpt_names_sort(ngx_array_t *names);

/* The position of the first of the sorted names that is after the name. */
ngx_uint_t ngx_http_tlsrpt_names_after(const ngx_array_t *names,
    const ngx_str_t *name);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_NAMES_H */
