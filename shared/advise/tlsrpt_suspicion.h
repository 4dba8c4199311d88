/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Attack or mistake?
 */

#ifndef TLSRPT_SUSPICION_H
#define TLSRPT_SUSPICION_H

#include "tlsrpt_problem.h"
#include "tlsrpt_words.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_NETWORK_LEN  (TLSRPT_VALUE_LEN + 24)

/* The network, as text, that all addresses are in which the failed sessions
   tell: 1; -1: some tell none; 0: there is no one network. */
int tlsrpt_suspicion_network(const tlsrpt_problem_t *problem,
    char network[TLSRPT_NETWORK_LEN]);

/* Why the failures may come of somebody on the way; w->len 0: nothing speaks
   for it.  names: of the problem (tlsrpt_diagnosis.h). */
void tlsrpt_suspicion(const tlsrpt_problem_t *problem, tlsrpt_names_t *names,
    tlsrpt_words_t *w);

#pragma GCC visibility pop

#endif /* TLSRPT_SUSPICION_H */
