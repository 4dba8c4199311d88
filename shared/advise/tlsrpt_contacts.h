/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The lists of reports -> what they tell of senders: whom to ask, who signed,
 * how late they report, and whether their reports contradict each other.
 */

#ifndef TLSRPT_CONTACTS_H
#define TLSRPT_CONTACTS_H

#include "tlsrpt_conflicts.h"
#include "tlsrpt_problem.h"

#pragma GCC visibility push(hidden)

/* A report of the n-th day of the range, the newest first.  0, or -1: no
   memory. */
int tlsrpt_contacts_add(tlsrpt_evidence_t *evidence,
    const tlsrpt_listing_t *listing, size_t day) TLSRPT_MUST_USE;

/* Those of the day that may be in conflict. */
void tlsrpt_contacts_dispute(tlsrpt_evidence_t *evidence,
    const tlsrpt_day_list_t *list, size_t day);

/* NULL: none of the name. */
const tlsrpt_sender_t *tlsrpt_contacts_sender(const tlsrpt_evidence_t *evidence,
    tlsrpt_str_t name);

/* One mail address, as a person would write it? */
int tlsrpt_contacts_is_address(tlsrpt_str_t text);

/* Of the senders that saw the problem: [{"address","verified"}] and the domains
   that signed, max at most.  NULL: no memory. */
json_t *tlsrpt_contacts_json(const tlsrpt_evidence_t *evidence,
    const tlsrpt_problem_t *problem, size_t max) TLSRPT_MUST_USE;
json_t *tlsrpt_contacts_signers_json(const tlsrpt_evidence_t *evidence,
    const tlsrpt_problem_t *problem, size_t max) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_CONTACTS_H */
