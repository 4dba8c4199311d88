/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A policy that senders do not find, though they know it: some report no error
 * where they cannot fetch it, but sessions without a policy.
 */

#ifndef TLSRPT_UNFOUND_H
#define TLSRPT_UNFOUND_H

#include "tlsrpt_problem.h"

#pragma GCC visibility push(hidden)

/* The problem, not yet judged, or NULL: there is none.  0, or -1: no memory. */
int tlsrpt_unfound_find(const tlsrpt_evidence_t *evidence,
    tlsrpt_problem_t **problem) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_UNFOUND_H */
