/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Problems of a range and what the state tells of them, as JSON.
 */

#ifndef TLSRPT_EPISODES_JSON_H
#define TLSRPT_EPISODES_JSON_H

#include "tlsrpt_episode.h"

#pragma GCC visibility push(hidden)

/* The n problems, judged, by the ids of their episodes; what is open and has
   nothing in the range, as it is kept; then those that were never open.  Sorts
   the problems.  NULL: no memory. */
json_t *tlsrpt_episodes_json(const tlsrpt_evidence_t *evidence,
    const tlsrpt_episodes_t *episodes, tlsrpt_problem_t **problems, size_t n)
    TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_EPISODES_JSON_H */
