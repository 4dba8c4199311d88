/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What senders say of each other's failures.  A problem with hits, settled.
 */

#ifndef TLSRPT_OTHERS_H
#define TLSRPT_OTHERS_H

#include "tlsrpt_problem.h"

#pragma GCC visibility push(hidden)

/* Is it over?  Sets state and passed_since. */
void tlsrpt_others_state(const tlsrpt_evidence_t *evidence,
    tlsrpt_problem_t *problem);

/* Who passed the same check on most of its days?  Sets others and enough. */
void tlsrpt_others_passed(const tlsrpt_evidence_t *evidence,
    tlsrpt_problem_t *problem);

/* Do few fail where others pass?  Sets suspect; it needs what is judged before:
   mx_state, reason, and the above. */
void tlsrpt_others_suspect(const tlsrpt_evidence_t *evidence,
    tlsrpt_problem_t *problem);

#pragma GCC visibility pop

#endif /* TLSRPT_OTHERS_H */
