/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * cells -> problems: what is wrong with a domain, in the words of
 * tlsrpt_explain, with what the reports themselves tell about it.
 */

#ifndef TLSRPT_PROBLEMS_H
#define TLSRPT_PROBLEMS_H

#include "tlsrpt_core.h"

#pragma GCC visibility push(hidden)

typedef struct tlsrpt_problems  tlsrpt_problems_t;

/* served: the policy served now, NULL: none; borrowed until _json. */
tlsrpt_problems_t *tlsrpt_problems_create(const tlsrpt_query_t *query,
    tlsrpt_str_t domain, tlsrpt_str_t prefix, const mta_sts_policy_t *served)
    TLSRPT_MUST_USE;
void tlsrpt_problems_destroy(tlsrpt_problems_t *problems);

/* As tlsrpt_range_next and _add; _add: TLSRPT_OK or TLSRPT_ERR_MEMORY. */
const tlsrpt_command_t *tlsrpt_problems_next(tlsrpt_problems_t *problems,
    size_t *n);
int tlsrpt_problems_add(tlsrpt_problems_t *problems, size_t n,
    const tlsrpt_reply_t *reply) TLSRPT_MUST_USE;
int tlsrpt_problems_seen(const tlsrpt_problems_t *problems);

/* {"domain","from","to","problems"}, worst first; NULL: no memory. */
json_t *tlsrpt_problems_json(tlsrpt_problems_t *problems) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_PROBLEMS_H */
