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

    p->groups[TLSRPT_PROBLEM_REASONS].max = TLSRPT_PROBLEM_REASONS_MAX;
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

    free(p->hits);
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


/*
 * Hits
 */

static void
merge(tlsrpt_hit_t *into, const tlsrpt_hit_t *hit)
{
    into->failed = tlsrpt_count_add(into->failed, hit->failed);
    into->verified = tlsrpt_count_add(into->verified, hit->verified);
    into->under |= hit->under;
    into->kinds |= hit->kinds;
}


static int
same_place(const tlsrpt_hit_t *a, const tlsrpt_hit_t *b)
{
    return a->day == b->day && a->sender == b->sender;
}


int
tlsrpt_problem_hit(tlsrpt_problem_t *p, const tlsrpt_hit_t *hit)
{
    size_t         size = p->size ? 2 * p->size : 8;
    tlsrpt_hit_t  *hits;

    p->saw[hit->sender] = 1;

    if (p->nhits && same_place(&p->hits[p->nhits - 1], hit)) {
        merge(&p->hits[p->nhits - 1], hit);
        return 0;
    }

    if (p->nhits == p->size) {
        hits = realloc(p->hits, size * sizeof(*hits));

        if (hits == NULL) {
            return -1;
        }

        p->hits = hits;
        p->size = size;
    }

    p->hits[p->nhits++] = *hit;

    return 0;
}


static int
by_place(const void *one, const void *two)
{
    const tlsrpt_hit_t  *a = one, *b = two;

    if (a->day != b->day) {
        return (a->day > b->day) - (a->day < b->day);
    }

    return (a->sender > b->sender) - (a->sender < b->sender);
}


void
tlsrpt_problem_settle(tlsrpt_problem_t *p)
{
    size_t  n = 0;

    if (p->nhits == 0) {
        return;
    }

    qsort(p->hits, p->nhits, sizeof(*p->hits), by_place);

    for (size_t i = 1; i < p->nhits; i++) {
        if (same_place(&p->hits[n], &p->hits[i])) {
            merge(&p->hits[n], &p->hits[i]);

        } else {
            p->hits[++n] = p->hits[i];
        }
    }

    p->nhits = n + 1;
}


size_t
tlsrpt_problem_next_day(const tlsrpt_problem_t *p, size_t i)
{
    size_t  next = i;

    while (next < p->nhits && p->hits[next].day == p->hits[i].day) {
        next++;
    }

    return next;
}


/*
 * Order
 */

static int
worst_first(const void *one, const void *two)
{
    int                      order;
    const tlsrpt_problem_t  *a = *(tlsrpt_problem_t *const *) one;
    const tlsrpt_problem_t  *b = *(tlsrpt_problem_t *const *) two;

    order = (a->id.data == NULL) - (b->id.data == NULL);
    order = order ? order
                  : tlsrpt_problem_is_over(a) - tlsrpt_problem_is_over(b);
    order = order ? order : (int) b->severity - (int) a->severity;
    order = order ? order : (int) b->lost - (int) a->lost;

    if (order) {
        return order;
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
