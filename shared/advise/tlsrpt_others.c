/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What senders say of each other's failures: whether it is over, and whether
 * few fail where others pass the same check.
 */

#include <string.h>

#include "tlsrpt_others.h"
#include "tlsrpt_judge.h"
#include "tlsrpt_suspicion.h"


/* Reports on a day come on the next one, and some senders are late. */
#define LATE_DAYS        3
/* What nobody has told of for so long is not open any more. */
#define LAPSE_DAYS       14
/* Who saw it in these last days is waited for. */
#define RECENT_DAYS      7
/* It is over when those that saw it have reported so often without it; or once,
   where they report weekly or less. */
#define CLEAN_DAYS       2
#define WEEKLY           7
/* Enough others: so many, or half of the sessions. */
#define ENOUGH_SENDERS   3


static unsigned
kinds_of(const tlsrpt_problem_t *p)
{
    unsigned  kinds = 0;

    for (size_t i = 0; i < p->nhits; i++) {
        kinds |= p->hits[i].kinds;
    }

    return kinds;
}


/* Under what others must have succeeded; 0: anything. */

static unsigned
kinds_to_pass(const tlsrpt_problem_t *p)
{
    switch (p->explanation->check) {
    case TLSRPT_CHECK_DANE:
        return 1u << TLSRPT_DAY_TLSA;

    case TLSRPT_CHECK_POLICY:
        return kinds_of(p) & ~(1u << TLSRPT_DAY_OTHER);

    default:
        return 0;
    }
}


/*
 * Is it over?
 */

/* A day that says how the sender fared: what a signed report opened, a signed
   one closes.  A log that is full does not tell what failed: anybody can fill
   one. */

static int
is_clean(const tlsrpt_problem_t *p, const tlsrpt_sender_day_t *d)
{
    const int  verified = p->mailed > 0;

    return tlsrpt_evidence_speaks(d, verified)
           && (verified ? d->untold_verified : d->untold) == 0;
}


/* Days after the last failure on which the sender reported.  newest: of these,
   and of the first one, the last one. */

static size_t
days_since(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p, size_t sender,
    size_t last, size_t *newest)
{
    size_t  n = 0;

    for (size_t i = last + 1; i < e->nknown; i++) {
        if (is_clean(p, tlsrpt_evidence_day(e, sender, i))) {
            n++;
            *newest = i > *newest ? i : *newest;
        }
    }

    return n;
}


/* Days between two reports of the sender, on an average, rounded up; 0: not
   known. */

static size_t
usual_gap(const tlsrpt_evidence_t *e, size_t sender)
{
    size_t  first = e->nknown, last = 0, n = 0;

    for (size_t i = 0; i < e->nknown; i++) {
        if (tlsrpt_evidence_day(e, sender, i) != NULL) {
            first = n++ ? first : i;
            last = i;
        }
    }

    return n > 1 ? (last - first + n - 2) / (n - 1) : 0;
}


static int
is_enough(size_t senders, double sessions, double all)
{
    return senders >= ENOUGH_SENDERS
           || (senders > 0 && sessions * 2 >= all && all > 0);
}


/* Others that passed the check on two days since. */

static size_t
passed_since(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p, size_t last)
{
    size_t          n = 0;
    double          sessions = 0, all = 0;
    const unsigned  kinds = kinds_to_pass(p);

    if (p->explanation->check == TLSRPT_CHECK_NONE) {
        return 0;
    }

    for (size_t s = 0; s < e->nsenders; s++) {
        size_t  days = 0;
        double  passed = 0;

        for (size_t i = last + 1; i < e->nknown; i++) {
            const uint64_t  k = tlsrpt_evidence_passed(e,
                                    tlsrpt_evidence_day(e, s, i), kinds);

            days += k > 0;
            passed += (double) k;
        }

        n += days >= CLEAN_DAYS;
        sessions += days >= CLEAN_DAYS ? passed : 0;
    }

    for (size_t i = last + 1; i < e->nknown; i++) {
        all += (double) tlsrpt_judge_sessions_of_day(e, i);
    }

    return is_enough(n, sessions, all) ? n : 0;
}


/* The last hit that counts. */

static const tlsrpt_hit_t *
last_hit(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p)
{
    size_t  i = p->nhits - 1;

    while (i > 0 && !tlsrpt_judge_counts(e, p, &p->hits[i])) {
        i--;
    }

    return &p->hits[i];
}


static int
did_see(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p, size_t sender,
    size_t recent)
{
    for (size_t i = p->nhits; i > 0 && p->hits[i - 1].day >= recent; i--) {
        if (p->hits[i - 1].sender == sender
            && tlsrpt_judge_counts(e, p, &p->hits[i - 1]))
        {
            return 1;
        }
    }

    return 0;
}


void
tlsrpt_others_state(const tlsrpt_evidence_t *e, tlsrpt_problem_t *p)
{
    const size_t  last = last_hit(e, p)->day;
    const size_t  recent = last >= RECENT_DAYS ? last - RECENT_DAYS + 1 : 0;
    size_t        newest = last, patience = LATE_DAYS;
    int           clean = 1;

    for (size_t s = 0; s < e->nsenders; s++) {
        size_t  gap, days;

        if (!p->saw[s] || !did_see(e, p, s, recent)) {
            continue;
        }

        gap = usual_gap(e, s);
        days = days_since(e, p, s, last, &newest);
        clean &= days >= (gap >= WEEKLY ? 1 : CLEAN_DAYS);

        if (gap > 1 && gap + LATE_DAYS - 1 > patience) {
            patience = gap + LATE_DAYS - 1;
        }
    }

    /* what nobody is known to have seen is over when the domain is reported on
       without it */
    if (last_hit(e, p)->sender == TLSRPT_NO_SENDER) {
        clean = 0;
    }

    p->passed_since = clean ? 0 : passed_since(e, p, last);

    if (clean || p->passed_since) {
        p->state = TLSRPT_STATE_OVER;

    } else if (newest + patience >= e->nknown) {
        p->state = TLSRPT_STATE_ONGOING;

    } else {
        p->state = e->nknown - 1 - newest > LAPSE_DAYS ? TLSRPT_STATE_LAPSED
                                                       : TLSRPT_STATE_UNKNOWN;
    }
}


/*
 * Few, where others pass
 */

void
tlsrpt_others_passed(const tlsrpt_evidence_t *e, tlsrpt_problem_t *p)
{
    double          sessions = 0, all = 0;
    const unsigned  kinds = kinds_to_pass(p);

    if (p->explanation->check == TLSRPT_CHECK_NONE) {
        return;
    }

    for (size_t s = 0; s < e->nsenders; s++) {
        size_t  days = 0;
        double  passed = 0;

        if (p->saw[s]) {
            continue;
        }

        for (size_t i = 0; i < p->nhits; i = tlsrpt_problem_next_day(p, i)) {
            const uint64_t  n = tlsrpt_evidence_passed(e,
                tlsrpt_evidence_day(e, s, p->hits[i].day), kinds);

            days += n > 0;
            passed += (double) n;
        }

        if (2 * days > p->ndays) {
            p->others++;
            sessions += passed;
        }
    }

    for (size_t i = 0; i < p->nhits; i = tlsrpt_problem_next_day(p, i)) {
        all += (double) tlsrpt_judge_sessions_of_day(e, p->hits[i].day);
    }

    p->enough = is_enough(p->others, sessions, all);
}


/* Did those that failed mostly fail, on most of the days; and wholly? */

static int
is_mostly(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p, int *wholly)
{
    size_t  heavy = 0, next;

    *wholly = 1;

    for (size_t i = 0; i < p->nhits; i = next) {
        int  is_heavy = 0;

        next = tlsrpt_problem_next_day(p, i);

        for (size_t k = i; k < next; k++) {
            const uint64_t  failed = tlsrpt_judge_failed(e, &p->hits[k]);
            const uint64_t  n = tlsrpt_judge_sessions(e, &p->hits[k]);

            is_heavy |= (double) failed * 2 > (double) n;
            *wholly &= failed >= n;
        }

        heavy += (size_t) is_heavy;
    }

    return 2 * heavy > p->ndays;
}


/* Without the intermediate certificate, who does not fetch it fails and others
   pass. */

static int
is_common_mistake(const tlsrpt_problem_t *p)
{
    return p->reason != NULL
           && strcmp(p->reason->section, "reason-missing-issuer") == 0;
}


void
tlsrpt_others_suspect(const tlsrpt_evidence_t *e, tlsrpt_problem_t *p)
{
    int           wholly;
    char          network[TLSRPT_NETWORK_LEN];
    const int     mostly = is_mostly(e, p, &wholly);
    const size_t  few = p->groups[TLSRPT_PROBLEM_ORGANIZATIONS].ngroups;
    const int     classic = p->explanation->attack == TLSRPT_ATTACK_CLASSIC;

    if (p->explanation->attack == TLSRPT_ATTACK_UNLIKELY || !mostly
        || p->others == 0 || p->mx_state != TLSRPT_MX_FINE
        || is_common_mistake(p))
    {
        return;
    }

    if (classic && few == 1 && p->others == 1) {
        p->suspect = wholly ? TLSRPT_SUSPECT_WEAK : TLSRPT_SUSPECT_NOTHING;

    } else if (p->enough && (few == 1 || (classic && few < p->others)
                             || tlsrpt_suspicion_network(p, network) > 0))
    {
        p->suspect = TLSRPT_SUSPECT_FEW;
    }
}
