/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A policy that senders do not find, though they know it: some report no error
 * where they cannot fetch it, but sessions without a policy.
 */

#ifndef TLSRPT_UNFOUND_H
#define TLSRPT_UNFOUND_H

#include "tlsrpt_episode.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_POLICY_NOT_FOUND  "policy-not-found"

/* The problem as it was in the episode, or, past NULL, as it is since the last
   one; not yet judged; or NULL: there is none.  0, or -1: no memory. */
int tlsrpt_unfound_find(const tlsrpt_evidence_t *evidence,
    const tlsrpt_episodes_t *episodes, const tlsrpt_episode_t *past,
    tlsrpt_problem_t **problem) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_UNFOUND_H */
