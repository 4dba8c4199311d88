/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Senders could not fetch the policy: what did our own nodes answer on these
 * days (tlsrpt_fetches.h)?  Said is no more than they counted.
 */

#ifndef TLSRPT_ANSWERED_H
#define TLSRPT_ANSWERED_H

#include "tlsrpt_problem.h"
#include "tlsrpt_words.h"

#pragma GCC visibility push(hidden)

/* Is it one that may show on our side? */
int tlsrpt_answered_explains(const tlsrpt_problem_t *problem);

/* Appends what was answered on the days of the problem; nothing, where nobody
   counted.  names: of the problem; some are added. */
void tlsrpt_answered_say(const tlsrpt_evidence_t *evidence,
    const tlsrpt_problem_t *problem, tlsrpt_names_t *names, tlsrpt_words_t *w);

#pragma GCC visibility pop

#endif /* TLSRPT_ANSWERED_H */
