/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The problems that were found and the state that is kept -> the state to keep
 * and the events to tell.  A problem opens, may worsen, and ends; what
 * strangers send can neither end it, nor ring for more than a few.
 */

#ifndef TLSRPT_TRANSITION_H
#define TLSRPT_TRANSITION_H

#include "tlsrpt_problem.h"

#pragma GCC visibility push(hidden)

typedef struct {
    int64_t  now;                           /* seconds */
    int      quiet;                         /* the first reckoning of old data,
                                               or by new rules: what is open is
                                               told by one state-built event */
    int      late;                          /* an import: nothing is news */
    int      struck;                        /* reports were struck out since:
                                               what was open by them is
                                               withdrawn */
    int      restored;                      /* that was taken back: who did it
                                               believes what they say */
} tlsrpt_follow_t;

typedef struct {
    json_t    *state;                       /* as tlsrpt_state.h has it; NULL:
                                               nothing to keep */
    json_t    *events;                      /* [{"event","problem"?,
                                               "unverified"?}], the oldest
                                               first */
    unsigned   open;                        /* problems */
    unsigned   worst;                       /* of these: 1 low .. 3 high; 0:
                                               none is open */
    int64_t    next;                        /* seconds until it is to be looked
                                               at again; 0: not by itself */
} tlsrpt_transition_t;

/* problems: settled and judged, worst first.  old: the state that they were
   read with (tlsrpt_problems_follow), or NULL.  0, or -1: no memory; then t has
   nothing to free. */
int tlsrpt_transition(const tlsrpt_evidence_t *evidence,
    tlsrpt_problem_t *const *problems, size_t n, const json_t *old,
    const tlsrpt_follow_t *how, tlsrpt_transition_t *t) TLSRPT_MUST_USE;

void tlsrpt_transition_free(tlsrpt_transition_t *t);

#pragma GCC visibility pop

#endif /* TLSRPT_TRANSITION_H */
