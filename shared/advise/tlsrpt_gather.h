/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * day logs -> evidence and problems, not yet judged.
 */

#ifndef TLSRPT_GATHER_H
#define TLSRPT_GATHER_H

#include "tlsrpt_episode.h"

#pragma GCC visibility push(hidden)

/* Result types and mail servers told apart; those beyond share one problem of
   the type, and, beyond these, one for all.  So many in all reports, and so
   many in signed ones: what nobody signed does not push aside what is. */
#define TLSRPT_MAX_PROBLEMS      64
#define TLSRPT_MAX_OF_TYPE       8

/* Beside them those that the state knows: nobody can push these aside. */
#define TLSRPT_MAX_FAILURES      (2 * TLSRPT_MAX_PROBLEMS + TLSRPT_MAX_EPISODES)

/* Behind those of failures: of silence, one a sender, or of policies that are
   not found; and those of checks. */
#define TLSRPT_MAX_ALL_PROBLEMS  (TLSRPT_MAX_FAILURES + TLSRPT_MAX_SENDERS    \
                                  + 1 + TLSRPT_MAX_FINDINGS)

typedef struct {
    tlsrpt_evidence_t   evidence;
    tlsrpt_episodes_t   episodes;           /* that are known */
    int                 leaves_past;        /* out */
    tlsrpt_problem_t   *list[TLSRPT_MAX_ALL_PROBLEMS];
    size_t              n;
    size_t              nnow;               /* of no episode that is over */
    size_t              nsigned;            /* of these */
    size_t              staged[TLSRPT_MAX_FAILURES];    /* of this report */
    size_t              nstaged;
    tlsrpt_packed_t     packed;
} tlsrpt_gather_t;

void tlsrpt_gather_free(tlsrpt_gather_t *gather);

/* The log of the n-th day of the range; again: a sender has reported more than
   once on it.  0, or -1: no memory. */
int tlsrpt_gather_log(tlsrpt_gather_t *gather, const char *day_log, size_t len,
    size_t day, int *again) TLSRPT_MUST_USE;

/* Failed sessions that are counted, but not in detail. */
int tlsrpt_gather_overflow(tlsrpt_gather_t *gather, uint64_t failed,
    size_t day) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_GATHER_H */
