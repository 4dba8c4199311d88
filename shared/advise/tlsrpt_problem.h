/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What is wrong with a domain, as data: failures of one result type, or reports
 * that stopped.  tlsrpt_problems.c gathers them; tlsrpt_diagnosis.c puts them
 * into words; tlsrpt_problem_json.c prints them.
 */

#ifndef TLSRPT_PROBLEM_H
#define TLSRPT_PROBLEM_H

#include "tlsrpt_explain.h"
#include "tlsrpt_group.h"

#pragma GCC visibility push(hidden)

/* What a problem counts by; the order of its groups. */
enum {
    TLSRPT_PROBLEM_ORGANIZATIONS = 0,
    TLSRPT_PROBLEM_MX,
    TLSRPT_PROBLEM_SENDING_IPS,
    TLSRPT_PROBLEM_RECEIVING_IPS,
    TLSRPT_PROBLEM_REASONS,
    TLSRPT_PROBLEM_TYPES,
    TLSRPT_PROBLEM_NGROUPS
};

#define TLSRPT_PROBLEM_VALUES     4096      /* of each, told apart */
#define TLSRPT_PROBLEM_UNCOVERED  8

/* Under which policies it happened. */
#define TLSRPT_UNDER_NONE     0x01          /* no policy, or mode none */
#define TLSRPT_UNDER_TESTING  0x02
#define TLSRPT_UNDER_ENFORCE  0x04
#define TLSRPT_UNDER_DANE     0x08
#define TLSRPT_UNDER_UNKNOWN  0x10          /* the report does not tell */

/* A mail server that no line of the policy covers which the sender saw. */
typedef struct {
    tlsrpt_str_t  mx;
    tlsrpt_str_t  patterns;                 /* "a, *.b" */
    int           too_deep;                 /* below "*.", by many labels */
} tlsrpt_uncovered_t;

typedef struct {
    tlsrpt_str_t                 result_type;   /* borrowed */
    const tlsrpt_explanation_t  *explanation;
    tlsrpt_severity_t            severity;
    int                          ongoing;
    int32_t                      first;         /* day, as in tlsrpt_time.h;
                                                   of silence the last one with
                                                   a report */
    int32_t                      last;
    uint64_t                     failed;        /* sessions */
    double                       share;         /* of all since the first */
    uint64_t                    *by_day;        /* failed, one a day of the
                                                   range; NULL: silence */
    unsigned                     under;         /* TLSRPT_UNDER_... */
    tlsrpt_groups_t              groups[TLSRPT_PROBLEM_NGROUPS];
    tlsrpt_uncovered_t           uncovered[TLSRPT_PROBLEM_UNCOVERED];
    size_t                       nuncovered;
    size_t                       number;        /* before it was sorted */
} tlsrpt_problem_t;

/* NULL: no memory.  It has no days yet. */
tlsrpt_problem_t *tlsrpt_problem_create(tlsrpt_str_t result_type)
    TLSRPT_MUST_USE;
void tlsrpt_problem_free(tlsrpt_problem_t *problem);

/* Counts by the values, TLSRPT_NDIMENSIONS of them, where there is one.  0, or
   -1: no memory. */
int tlsrpt_problem_count(tlsrpt_problem_t *problem,
    const tlsrpt_value_t *values, uint64_t failed) TLSRPT_MUST_USE;

/* Worst first; what is as bad stays in its order. */
void tlsrpt_problem_sort(tlsrpt_problem_t **problems, size_t n);


static inline int
tlsrpt_problem_is_silence(const tlsrpt_problem_t *problem)
{
    return problem->by_day == NULL;
}


/* Does it keep senders from the policy, and not from a mail server? */

static inline int
tlsrpt_problem_is_of_policy(const tlsrpt_problem_t *problem)
{
    return problem->explanation->loses == TLSRPT_LOSES_NOTHING;
}

#pragma GCC visibility pop

#endif /* TLSRPT_PROBLEM_H */
