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
#include "tlsrpt_problem.h"
#include "tlsrpt_query.h"

#pragma GCC visibility push(hidden)

/* {"domain","from","to","conflicting-reports","problems"}: those that are or
   were open in the range, then the others, worst first.  served: the policy
   served now, copied; NULL: none.  today: of later days nothing can be known.
   NULL: no memory. */
tlsrpt_lookup_t *tlsrpt_problems_create(const tlsrpt_query_t *query,
    tlsrpt_str_t domain, tlsrpt_str_t prefix, const mta_sts_policy_t *served,
    int32_t today) TLSRPT_MUST_USE;


/*
 * For those who follow what becomes of problems: the same reading, with a state
 * that is known before it begins.
 */

typedef struct {
    const tlsrpt_evidence_t   *evidence;
    tlsrpt_problem_t *const   *list;        /* settled, judged, worst first */
    size_t                     n;
} tlsrpt_found_t;

/* What belongs to an episode that is over is not read again, and what the last
   check saw, and which policies are served, is read as well.  served: of this
   host; NULL: it does not know.  now: seconds.  state: as tlsrpt_state.h has
   it, borrowed until it is destroyed; NULL: none is kept.  NULL: no memory. */
tlsrpt_lookup_t *tlsrpt_problems_follow(const tlsrpt_query_t *query,
    tlsrpt_str_t domain, tlsrpt_str_t prefix, const mta_sts_policy_t *served,
    int64_t now, const json_t *state) TLSRPT_MUST_USE;

/* What it found, once all is read, instead of its JSON; lives as long as the
   lookup.  0, or -1: no memory. */
int tlsrpt_problems_found(tlsrpt_lookup_t *lookup, tlsrpt_found_t *found)
    TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_PROBLEMS_H */
