/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include "tlsrpt_count.h"
#include "tlsrpt_problem.h"


/* The dimension of each of a problem's groups. */

static const unsigned char  dimensions[TLSRPT_PROBLEM_NGROUPS] = {
    TLSRPT_BY_ORGANIZATION, TLSRPT_BY_MX, TLSRPT_BY_SENDING_IP,
    TLSRPT_BY_RECEIVING_IP, TLSRPT_BY_REASON, TLSRPT_BY_POLICY_TYPE
};


tlsrpt_problem_t *
tlsrpt_problem_create(tlsrpt_str_t result_type)
{
    tlsrpt_problem_t  *p = calloc(1, sizeof(*p));

    if (p == NULL) {
        return NULL;
    }

    for (int i = 0; i < TLSRPT_PROBLEM_NGROUPS; i++) {
        p->groups[i].nby = 1;
        p->groups[i].by = &dimensions[i];
        p->groups[i].max = TLSRPT_PROBLEM_VALUES;
    }

    p->result_type = result_type;
    p->explanation = tlsrpt_explain(result_type);

    return p;
}


void
tlsrpt_problem_free(tlsrpt_problem_t *p)
{
    for (int i = 0; i < TLSRPT_PROBLEM_NGROUPS; i++) {
        tlsrpt_groups_free(&p->groups[i]);
    }

    free(p->by_day);
    free(p);
}


int
tlsrpt_problem_count(tlsrpt_problem_t *p, const tlsrpt_value_t *values,
    uint64_t failed)
{
    tlsrpt_group_t  *g;

    for (int i = 0; i < TLSRPT_PROBLEM_NGROUPS; i++) {
        if (values[dimensions[i]].kind == TLSRPT_VALUE_NULL) {
            continue;
        }

        g = tlsrpt_groups_find(&p->groups[i], values);

        if (g == NULL) {
            return -1;
        }

        g->failed = tlsrpt_count_add(g->failed, failed);
    }

    return 0;
}


static int
worst_first(const void *one, const void *two)
{
    int                      order;
    const tlsrpt_problem_t  *a = *(tlsrpt_problem_t *const *) one;
    const tlsrpt_problem_t  *b = *(tlsrpt_problem_t *const *) two;

    if (a->severity != b->severity) {
        return (int) b->severity - (int) a->severity;
    }

    if (a->failed != b->failed) {
        return a->failed > b->failed ? -1 : 1;
    }

    order = strcmp(a->result_type.data, b->result_type.data);

    return order ? order : (a->number > b->number) - (a->number < b->number);
}


void
tlsrpt_problem_sort(tlsrpt_problem_t **problems, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        problems[i]->number = i;
    }

    qsort(problems, n, sizeof(problems[0]), worst_first);
}
