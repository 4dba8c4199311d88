/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Problems that are too many to be open one by one -> the one that stands for
 * them.
 */

#ifndef TLSRPT_FURTHER_H
#define TLSRPT_FURTHER_H

#include "tlsrpt_problem.h"

#pragma GCC visibility push(hidden)

/* Values of a problem that are kept, of each kind. */
#define TLSRPT_KEPT_VALUES  10

typedef struct {
    const tlsrpt_problem_t  *list[TLSRPT_KEPT_VALUES];  /* the first of them */
    size_t                   n;             /* all of them */
    tlsrpt_severity_t        severity;      /* the worst, each by itself */
    tlsrpt_severity_t        by_signed;
    tlsrpt_lost_t            lost;
    uint64_t                 failed;        /* sessions, of all */
    uint64_t                 posted;
    uint64_t                 mailed;
    int32_t                  first;         /* days */
    int32_t                  last;
} tlsrpt_further_t;

/* All zeroes: none yet. */
void tlsrpt_further_add(tlsrpt_further_t *further,
    const tlsrpt_problem_t *problem);

/* As the JSON of a problem; n is not 0.  NULL: no memory. */
json_t *tlsrpt_further_json(const tlsrpt_evidence_t *evidence,
    const tlsrpt_further_t *further) TLSRPT_MUST_USE;

/* Of a problem's JSON, as it is kept: no more than TLSRPT_KEPT_VALUES of each
   list of values, and no days. */
void tlsrpt_further_cut(json_t *problem);

#pragma GCC visibility pop

#endif /* TLSRPT_FURTHER_H */
