/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * day logs -> problems: what is wrong with a domain, in the words of
 * tlsrpt_explain, with what the reports themselves tell about it.
 */

#ifndef TLSRPT_PROBLEMS_H
#define TLSRPT_PROBLEMS_H

#include "mta_sts_policy.h"
#include "tlsrpt_lookup.h"
#include "tlsrpt_query.h"

#pragma GCC visibility push(hidden)

/* {"domain","from","to","problems"}, worst first.  served: the policy served
   now, copied; NULL: none.  today: of later days nothing can be known.  NULL:
   no memory. */
tlsrpt_lookup_t *tlsrpt_problems_create(const tlsrpt_query_t *query,
    tlsrpt_str_t domain, tlsrpt_str_t prefix, const mta_sts_policy_t *served,
    int32_t today) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_PROBLEMS_H */
