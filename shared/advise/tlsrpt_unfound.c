/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "tlsrpt_count.h"
#include "tlsrpt_unfound.h"


/* A good part of a sender's sessions ... */
#define PART_PERCENT  10
/* ... on so many of so many days that it reported on. */
#define BAD_DAYS      3
#define OF_DAYS       5


static int
is_bad(const tlsrpt_sender_day_t *d)
{
    return d->met[TLSRPT_DAY_OTHER] > 0
           && (double) d->met[TLSRPT_DAY_OTHER] * 100
              >= (double) d->sessions * PART_PERCENT;
}


/* Since the sender first had the policy, was a good part of its sessions
   without one, day after day?  first: the day on which it had it. */

static int
does_not_find(const tlsrpt_evidence_t *e, size_t sender, size_t *first)
{
    int       found = 0;
    unsigned  window = 0;                   /* a bit a day, the last first */

    for (size_t i = 0; i < e->nknown; i++) {
        const tlsrpt_sender_day_t  *d = tlsrpt_evidence_day(e, sender, i);

        if (d == NULL || d->sessions == 0) {
            continue;
        }

        if (!found) {
            *first = i;
            found = d->met[TLSRPT_DAY_STS] > 0;
            continue;
        }

        window = (window << 1 | (unsigned) is_bad(d)) & ((1u << OF_DAYS) - 1);

        if (__builtin_popcount(window) >= BAD_DAYS) {
            return 1;
        }
    }

    return 0;
}


/* Is there a policy: served here, or seen by anybody not long before? */

static int
is_there(const tlsrpt_evidence_t *e, size_t day)
{
    if (e->served != NULL) {
        return e->served->mode != MTA_STS_NONE;
    }

    for (size_t s = 0; s < e->nsenders; s++) {
        for (size_t i = day > OF_DAYS ? day - OF_DAYS : 0; i <= day; i++) {
            const tlsrpt_sender_day_t  *d = tlsrpt_evidence_day(e, s, i);

            if (d != NULL && d->met[TLSRPT_DAY_STS]) {
                return 1;
            }
        }
    }

    return 0;
}


static int
is_within(const tlsrpt_evidence_t *e, const tlsrpt_episodes_t *episodes,
    const tlsrpt_problem_t *p, size_t day)
{
    return tlsrpt_episodes_past(episodes, p->result_type, TLSRPT_STR(""), 0,
                                e->scan.from + (int32_t) day) == p->past;
}


static int
add_sender(const tlsrpt_evidence_t *e, const tlsrpt_episodes_t *episodes,
    size_t sender, size_t first, tlsrpt_problem_t *p)
{
    tlsrpt_value_t  values[TLSRPT_NDIMENSIONS] = { { NULL, 0, 0 } };

    values[TLSRPT_BY_ORGANIZATION] = tlsrpt_value_of(
                                         e->senders[sender].name.data,
                                         e->senders[sender].name.len);
    values[TLSRPT_BY_POLICY_TYPE] = tlsrpt_value_of("no-policy-found", 15);

    for (size_t i = first + 1; i < e->nknown; i++) {
        const tlsrpt_sender_day_t  *d = tlsrpt_evidence_day(e, sender, i);
        tlsrpt_hit_t                hit = { i, sender, 0, 0, TLSRPT_UNDER_NONE,
                                            1u << TLSRPT_DAY_OTHER };

        if (d == NULL || !is_bad(d) || !is_there(e, i)
            || !is_within(e, episodes, p, i))
        {
            continue;
        }

        hit.failed = d->met[TLSRPT_DAY_OTHER];
        hit.verified = d->verified_reports ? hit.failed : 0;
        p->raw = tlsrpt_count_add(p->raw, hit.failed);
        p->mailed = tlsrpt_count_add(p->mailed, hit.verified);
        p->posted = tlsrpt_count_add(p->posted, hit.failed - hit.verified);

        if (tlsrpt_problem_hit(p, &hit) != 0
            || tlsrpt_problem_count(p, values, hit.failed) != 0)
        {
            return -1;
        }
    }

    return 0;
}


int
tlsrpt_unfound_find(const tlsrpt_evidence_t *e,
    const tlsrpt_episodes_t *episodes, const tlsrpt_episode_t *past,
    tlsrpt_problem_t **problem)
{
    int                rc = 0;
    size_t             first;
    tlsrpt_problem_t  *p = NULL;

    for (size_t s = 0; rc == 0 && s < e->nsenders; s++) {
        if (!does_not_find(e, s, &first)) {
            continue;
        }

        if (p == NULL) {
            p = tlsrpt_problem_create(TLSRPT_STR(TLSRPT_POLICY_NOT_FOUND));

            if (p == NULL) {
                return -1;
            }

            p->past = past;
        }

        rc = add_sender(e, episodes, s, first, p);
    }

    if (p != NULL && (rc != 0 || p->nhits == 0)) {
        tlsrpt_problem_free(p);
        p = NULL;
    }

    if (p != NULL) {
        tlsrpt_problem_settle(p);
    }

    *problem = p;

    return rc;
}
