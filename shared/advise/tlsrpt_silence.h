/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Problems that are no failures: reports that stopped.
 */

#ifndef TLSRPT_SILENCE_H
#define TLSRPT_SILENCE_H

#include "tlsrpt_evidence.h"
#include "tlsrpt_problem.h"

#pragma GCC visibility push(hidden)

/* Appends them to the n problems, TLSRPT_MAX_SENDERS at most; the caller frees
   each.  0, or -1: no memory. */
int tlsrpt_silence_find(const tlsrpt_evidence_t *evidence,
    tlsrpt_problem_t **problems, size_t *n) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_SILENCE_H */
