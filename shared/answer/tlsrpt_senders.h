/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the days' lists of reports tell about those who sent them.
 */

#ifndef TLSRPT_SENDERS_H
#define TLSRPT_SENDERS_H

#include "tlsrpt_lookup.h"
#include "tlsrpt_query.h"

#pragma GCC visibility push(hidden)

/* {"domain","from","to","senders"}; NULL: no memory. */
tlsrpt_lookup_t *tlsrpt_senders_create(const tlsrpt_query_t *query,
    tlsrpt_str_t domain, tlsrpt_str_t prefix) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_SENDERS_H */
