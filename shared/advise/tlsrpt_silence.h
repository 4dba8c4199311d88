/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Problems that are no failures: reports that stopped.
 */

#ifndef TLSRPT_SILENCE_H
#define TLSRPT_SILENCE_H

#include "tlsrpt_problem.h"

#pragma GCC visibility push(hidden)

/* Did the sender stop reporting, or, sender NULL, everybody?  last: the range's
   day of the last report, or, if there is none in the range, its number of
   days.  As long as the delay is not known, that is to be looked at. */
int tlsrpt_silence_of(const tlsrpt_evidence_t *evidence,
    const tlsrpt_sender_t *sender, size_t *last);

/* Puts them behind the n problems, TLSRPT_MAX_SENDERS at most; the caller frees
   each.  0, or -1: no memory. */
int tlsrpt_silence_find(const tlsrpt_evidence_t *evidence,
    tlsrpt_problem_t **problems, size_t *n) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_SILENCE_H */
