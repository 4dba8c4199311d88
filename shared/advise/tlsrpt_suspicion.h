/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Attack or mistake?
 */

#ifndef TLSRPT_SUSPICION_H
#define TLSRPT_SUSPICION_H

#include "tlsrpt_evidence.h"
#include "tlsrpt_problem.h"
#include "tlsrpt_words.h"

#pragma GCC visibility push(hidden)

/* Why somebody on the way may have caused the failures; w->len 0: nothing
   suggests it. */
void tlsrpt_suspicion(const tlsrpt_evidence_t *evidence,
    const tlsrpt_problem_t *problem, tlsrpt_words_t *w);

#pragma GCC visibility pop

#endif /* TLSRPT_SUSPICION_H */
