/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A problem in words: what happened, why, what to do, what it costs.  Each
 * text replaces what was in w.
 */

#ifndef TLSRPT_DIAGNOSIS_H
#define TLSRPT_DIAGNOSIS_H

#include "tlsrpt_evidence.h"
#include "tlsrpt_problem.h"
#include "tlsrpt_words.h"

#pragma GCC visibility push(hidden)

/* How bad failures are under the policies at hand. */
tlsrpt_severity_t tlsrpt_diagnosis_severity(const tlsrpt_evidence_t *evidence,
    const tlsrpt_problem_t *problem);

void tlsrpt_diagnosis_title(const tlsrpt_evidence_t *evidence,
    const tlsrpt_problem_t *problem, tlsrpt_words_t *w);
void tlsrpt_diagnosis_cause(const tlsrpt_evidence_t *evidence,
    const tlsrpt_problem_t *problem, tlsrpt_words_t *w);
void tlsrpt_diagnosis_fix(const tlsrpt_evidence_t *evidence,
    const tlsrpt_problem_t *problem, tlsrpt_words_t *w);

/* Is mail lost? */
const char *tlsrpt_diagnosis_lost_mail(const tlsrpt_evidence_t *evidence,
    const tlsrpt_problem_t *problem);

#pragma GCC visibility pop

#endif /* TLSRPT_DIAGNOSIS_H */
