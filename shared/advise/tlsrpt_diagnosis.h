/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A problem in words: what happened, why, what to do, what it costs.  Which of
 * the texts of explain.txt are said is decided here.
 */

#ifndef TLSRPT_DIAGNOSIS_H
#define TLSRPT_DIAGNOSIS_H

#include "tlsrpt_problem.h"
#include "tlsrpt_words.h"

#pragma GCC visibility push(hidden)

/* What stands for the {names} in the texts about the problem. */
void tlsrpt_diagnosis_names(const tlsrpt_evidence_t *evidence,
    const tlsrpt_problem_t *problem, tlsrpt_names_t *names);

/* A text replaces what was in w.  names: of the problem; some may be added. */
typedef void (*tlsrpt_diagnosis_pt)(const tlsrpt_evidence_t *evidence,
    const tlsrpt_problem_t *problem, tlsrpt_names_t *names, tlsrpt_words_t *w);

void tlsrpt_diagnosis_title(const tlsrpt_evidence_t *evidence,
    const tlsrpt_problem_t *problem, tlsrpt_names_t *names, tlsrpt_words_t *w);
void tlsrpt_diagnosis_meaning(const tlsrpt_evidence_t *evidence,
    const tlsrpt_problem_t *problem, tlsrpt_names_t *names, tlsrpt_words_t *w);
void tlsrpt_diagnosis_cause(const tlsrpt_evidence_t *evidence,
    const tlsrpt_problem_t *problem, tlsrpt_names_t *names, tlsrpt_words_t *w);
/* Is mail lost? */
void tlsrpt_diagnosis_lost_mail(const tlsrpt_evidence_t *evidence,
    const tlsrpt_problem_t *problem, tlsrpt_names_t *names, tlsrpt_words_t *w);

/* [{"text","command"?}]; NULL: no memory. */
json_t *tlsrpt_diagnosis_steps(const tlsrpt_evidence_t *evidence,
    const tlsrpt_problem_t *problem, tlsrpt_names_t *names) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_DIAGNOSIS_H */
