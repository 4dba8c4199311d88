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

/* {"domain","from","to","problems"}, in the order given; NULL: no memory. */
json_t *tlsrpt_problem_json(const tlsrpt_evidence_t *evidence,
    tlsrpt_problem_t *const *problems, size_t n) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_PROBLEM_JSON_H */
