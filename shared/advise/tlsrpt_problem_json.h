/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A problem as JSON.
 */

#ifndef TLSRPT_PROBLEM_JSON_H
#define TLSRPT_PROBLEM_JSON_H

#include "tlsrpt_evidence.h"
#include "tlsrpt_problem.h"

#pragma GCC visibility push(hidden)

/* NULL: no memory. */
json_t *tlsrpt_problem_json(const tlsrpt_evidence_t *evidence,
    const tlsrpt_problem_t *problem) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_PROBLEM_JSON_H */
