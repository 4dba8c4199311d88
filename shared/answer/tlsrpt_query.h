/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the public query (tlsrpt_core.h) means for the fold.
 */

#ifndef TLSRPT_QUERY_H
#define TLSRPT_QUERY_H

#include "tlsrpt_core.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_DEFAULT_DAYS    30
#define TLSRPT_MAX_QUERY_DAYS  10000

const char *tlsrpt_dimension_name(unsigned dimension);

/* Is it the parameter of this name? */
int tlsrpt_param_is(tlsrpt_str_t name, const char *text);

/* TLSRPT_ERR_PARAMETER, and error filled; name may be from outside. */
int tlsrpt_param_fail(tlsrpt_error_t *error, tlsrpt_str_t name,
    const char *detail);
int tlsrpt_param_unknown(tlsrpt_error_t *error, tlsrpt_str_t name);

int tlsrpt_query_groups_by(const tlsrpt_query_t *query, unsigned dimension);

/* Is a key or a filter one of the failure details?  Then sessions cannot be
   told, only failed sessions of details. */
int tlsrpt_query_is_detailed(const tlsrpt_query_t *query);
/* Is policy-type a key or a filter?  Then each type's own sums are shown. */
int tlsrpt_query_is_typed(const tlsrpt_query_t *query);

#pragma GCC visibility pop

#endif /* TLSRPT_QUERY_H */
