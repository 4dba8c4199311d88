/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * How bad a problem is, whether it goes on, and what speaks for an attack: the
 * members of tlsrpt_problem_t that are judged.
 */

#ifndef TLSRPT_JUDGE_H
#define TLSRPT_JUDGE_H

#include "tlsrpt_problem.h"

#pragma GCC visibility push(hidden)

/* A problem with hits, settled. */
void tlsrpt_judge(const tlsrpt_evidence_t *evidence, tlsrpt_problem_t *problem);

/* Does the hit say anything of the problem?  Where a signed report tells of it,
   what nobody signed neither ends it nor keeps it. */
int tlsrpt_judge_counts(const tlsrpt_evidence_t *evidence,
    const tlsrpt_problem_t *problem, const tlsrpt_hit_t *hit);

/* Sessions of a hit that count as evidence: of reports that contradict each
   other, and where some are verified, those. */
uint64_t tlsrpt_judge_failed(const tlsrpt_evidence_t *evidence,
    const tlsrpt_hit_t *hit);

/* All sessions of the hit's sender on its day, at least those that failed; and
   all of the domain's. */
uint64_t tlsrpt_judge_sessions(const tlsrpt_evidence_t *evidence,
    const tlsrpt_hit_t *hit);
uint64_t tlsrpt_judge_sessions_of_day(const tlsrpt_evidence_t *evidence,
    size_t day);

#pragma GCC visibility pop

#endif /* TLSRPT_JUDGE_H */
