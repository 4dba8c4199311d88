/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Lookups around the policy of a domain: its versions and who holds them, with
 * advice; what another policy would have done; one that is proposed.
 *
 * A sender holds a version until it fetches again, at most max_age after the
 * day it was last served (RFC 8461 3.2, 5.1).  Which one it held is known of
 * reports with failures: the policy in them is compared by its mode and its mx
 * lines, not as bytes, and max_age is not among what is counted of it.
 */

#ifndef TLSRPT_POLICY_PAST_H
#define TLSRPT_POLICY_PAST_H

#include "tlsrpt_lookup.h"
#include "tlsrpt_query.h"
#include "tlsrpt_seen.h"

#pragma GCC visibility push(hidden)

/* answer: what is known without Redis, {"domain","advice":[...],...}; taken
   over.  Gets "published" (of the policy in it, or null; tlsrpt_published.h),
   "versions", "ready-for-enforce" and more advice.  NULL: no
   memory; below, too. */
tlsrpt_lookup_t *tlsrpt_policy_past_create(const tlsrpt_query_t *query,
    tlsrpt_str_t domain, tlsrpt_str_t prefix, int64_t now, json_t *answer)
    TLSRPT_MUST_USE;

/* The same of a policy that is not served: answer gets what
   tlsrpt_simulation_json() has. */
tlsrpt_lookup_t *tlsrpt_policy_simulate_create(const tlsrpt_query_t *query,
    tlsrpt_str_t domain, tlsrpt_str_t prefix, const mta_sts_policy_t *policy,
    json_t *answer) TLSRPT_MUST_USE;

/* One that is made of what the last check saw: "proposal" (null: there is
   none), "reasons". */
tlsrpt_lookup_t *tlsrpt_policy_proposal_create(const tlsrpt_query_t *query,
    tlsrpt_str_t domain, tlsrpt_str_t prefix, json_t *answer) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_POLICY_PAST_H */
