/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Problems as JSON.
 */

#ifndef TLSRPT_PROBLEM_JSON_H
#define TLSRPT_PROBLEM_JSON_H

#include "tlsrpt_evidence.h"
#include "tlsrpt_problem.h"

#pragma GCC visibility push(hidden)

/* {"domain","from","to","conflicting-reports","problems"}, in the order given;
   conflicts is borrowed.  NULL: no memory. */
json_t *tlsrpt_problem_json(const tlsrpt_evidence_t *evidence,
    tlsrpt_problem_t *const *problems, size_t n, json_t *conflicts)
    TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_PROBLEM_JSON_H */
