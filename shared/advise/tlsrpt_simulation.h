/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a policy would have done to the sessions that reports tell of.  A
 * session that failed under any MTA-STS policy as its mail server did (no
 * STARTTLS, a wrong certificate, no line for it) would be refused in mode
 * enforce (RFC 8461 5); one that failed as the policy could not be had, or
 * under DANE, says nothing of this policy.
 *
 * Failure details overlap (RFC 8460 4): of a report no more is lost, mended or
 * uncertain than sessions of the policy failed.
 */

#ifndef TLSRPT_SIMULATION_H
#define TLSRPT_SIMULATION_H

#include "tlsrpt_packed.h"
#include "tlsrpt_seen.h"

#pragma GCC visibility push(hidden)

typedef struct {
    const mta_sts_policy_t  *policy;        /* borrowed */
    const tlsrpt_seen_t     *seen;          /* the last check; NULL: none */
    uint64_t                 sessions;
    uint64_t                 successful;
    uint64_t                 lost;
    uint64_t                 mended;        /* no line covered it, one would */
    uint64_t                 uncertain;     /* of the failed ones */
    json_t                  *senders;       /* owned: name -> lost sessions */
    json_t                  *results;
    json_t                  *servers;
    json_t                  *reporters;     /* name -> sessions */
} tlsrpt_simulation_t;

/* 0, or -1: no memory. */
int tlsrpt_simulation_init(tlsrpt_simulation_t *simulation,
    const mta_sts_policy_t *policy) TLSRPT_MUST_USE;
void tlsrpt_simulation_free(tlsrpt_simulation_t *simulation);

/* A report, whose rows are read by it. */
void tlsrpt_simulation_add(tlsrpt_simulation_t *simulation,
    tlsrpt_packed_t *report);

/* Mail servers that the last check saw and the policy does not cover: a new
   array of names; empty where no check saw any. */
json_t *tlsrpt_simulation_uncovered(const tlsrpt_simulation_t *simulation);

/* "3 of 41,210 sessions, all from one sender" */
json_t *tlsrpt_simulation_sentence(const tlsrpt_simulation_t *simulation);

/* {"sessions","would-be-lost","mended","uncertain","would-be-lost-by":{...},
   "uncovered-mx","reasons","summary"}; NULL: no memory. */
json_t *tlsrpt_simulation_json(const tlsrpt_simulation_t *simulation)
    TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_SIMULATION_H */
