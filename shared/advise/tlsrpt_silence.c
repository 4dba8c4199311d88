/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "tlsrpt_rhythm.h"
#include "tlsrpt_silence.h"


/* A sender has a rhythm that reported on so many days ... */
#define STEADY_REPORTS  7
/* ... of so many before it stopped: of a small one, silence says nothing. */
#define STEADY_DAYS     28


/* Did the sender report regularly, and of more than its own reports' mail?  One
   session a day between reporters is a heartbeat: its end says nothing. */

static int
was_steady(const tlsrpt_sender_t *s, size_t last)
{
    int     busy = 0;
    size_t  n = 0, first = last > STEADY_DAYS ? last - STEADY_DAYS : 0;

    for (size_t i = first; i < last; i++) {
        n += s->at[i] > 0;
        busy |= s->at[i] && s->days[s->at[i] - 1].sessions > 1;
    }

    return busy && n >= STEADY_REPORTS;
}


/* A domain that is not reported on in the range may have been before. */

static int
was_reported(const tlsrpt_evidence_t *e)
{
    const int32_t  came = tlsrpt_day_of((int64_t) e->scan.all.last);

    return e->scan.all.reports > 0 && came < e->scan.from;
}


int
tlsrpt_silence_of(const tlsrpt_evidence_t *e, const tlsrpt_sender_t *s,
    size_t *last)
{
    int            silent;
    unsigned char  days[TLSRPT_MAX_QUERY_DAYS];
    const size_t   late = s != NULL ? s->delay.late : e->delay.late;

    for (size_t i = 0; i < e->nknown; i++) {
        days[i] = s != NULL ? s->at[i] > 0 : e->scan.days[i].reports > 0;
    }

    silent = tlsrpt_rhythm_is_silent(days, e->nknown, last);

    /* what comes late anyway is waited for */
    if (!silent || e->nknown - *last + 1 < TLSRPT_SILENT_DAYS + late) {
        return 0;
    }

    if (*last == 0) {
        *last = e->scan.ndays;
        return s == NULL && was_reported(e);
    }

    --*last;

    return s == NULL || was_steady(s, *last + 1);
}


/* Is it known to have reported?  A rhythm can be made up, like a name. */

static int
is_signed(const tlsrpt_evidence_t *e, const tlsrpt_sender_t *s)
{
    size_t  n = 0;

    for (size_t i = 0; s != NULL && i < s->ndays; i++) {
        n += s->days[i].verified_reports > 0;
    }

    return !e->verified || s == NULL || n >= STEADY_REPORTS;
}


/* day: the last one with a report; sender NULL: of anybody. */

static int
silence_add(const tlsrpt_evidence_t *e, int32_t day,
    const tlsrpt_sender_t *sender, tlsrpt_problem_t **problems, size_t *n)
{
    tlsrpt_value_t     values[TLSRPT_NDIMENSIONS] = { { NULL, 0, 0 } };
    tlsrpt_problem_t  *p = tlsrpt_problem_create(TLSRPT_STR("silence"));

    if (p == NULL) {
        return -1;
    }

    p->kind = TLSRPT_OF_SILENCE;
    p->severity = p->explanation->worst;
    p->by_signed = is_signed(e, sender) ? p->severity : TLSRPT_SEVERITY_LOW;
    p->by_sure = p->by_signed;
    p->state = TLSRPT_STATE_ONGOING;
    p->first = day;
    p->last = day;

    if (sender != NULL) {
        values[TLSRPT_BY_ORGANIZATION] = tlsrpt_value_of(sender->name.data,
                                                         sender->name.len);
    }

    if (tlsrpt_problem_count(p, values, 0) != 0) {
        tlsrpt_problem_free(p);
        return -1;
    }

    problems[(*n)++] = p;
    return 0;
}


int
tlsrpt_silence_find(const tlsrpt_evidence_t *e, tlsrpt_problem_t **problems,
    size_t *n)
{
    size_t  last;

    if (tlsrpt_silence_of(e, NULL, &last)) {
        return silence_add(e, last < e->scan.ndays
                              ? e->scan.from + (int32_t) last
                              : tlsrpt_day_of((int64_t) e->scan.all.last),
                           NULL, problems, n);
    }

    for (size_t i = 0; i < e->nsenders; i++) {
        if (tlsrpt_silence_of(e, &e->senders[i], &last)
            && silence_add(e, e->scan.from + (int32_t) last, &e->senders[i],
                           problems, n) != 0)
        {
            return -1;
        }
    }

    return 0;
}
