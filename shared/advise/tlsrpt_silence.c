/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "tlsrpt_silence.h"


/* A sender that reported on so many days running ... */
#define STEADY_DAYS  7
/* ... and then not for so many: reports on a day come on the next one, and some
   senders are days late. */
#define SILENT_DAYS  4


/* The newest day with any of the flags, from 1; 0: none. */

static size_t
newest(const unsigned char *days, size_t ndays, unsigned flags)
{
    while (ndays && !(days[ndays - 1] & flags)) {
        ndays--;
    }

    return ndays;
}


/* Did the sender report day after day, and of more than its own reports' mail?
   One session a day between reporters is a heartbeat: its end says nothing. */

static int
was_steady(const tlsrpt_sender_t *s, size_t last)
{
    int  busy = 0;

    if (last < STEADY_DAYS) {
        return 0;
    }

    for (size_t i = last - STEADY_DAYS; i < last; i++) {
        if (!(s->days[i] & TLSRPT_SENDER_REPORTED)) {
            return 0;
        }

        busy |= s->days[i] & TLSRPT_SENDER_BUSY;
    }

    return busy != 0;
}


/* day: the last one with a report; sender NULL: of anybody. */

static int
silence_add(int32_t day, const tlsrpt_sender_t *sender,
    tlsrpt_problem_t **problems, size_t *n)
{
    tlsrpt_str_t       word = { "silence", 7 };
    tlsrpt_value_t     values[TLSRPT_NDIMENSIONS] = { { NULL, 0, 0 } };
    tlsrpt_problem_t  *p = tlsrpt_problem_create(word);

    if (p == NULL) {
        return -1;
    }

    p->severity = p->explanation->severity;
    p->ongoing = 1;
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


/* The longest time between two days with reports, or, where there is one such
   day only, before it. */

static size_t
longest_gap(const tlsrpt_evidence_t *e)
{
    size_t  gap = 0, n = 0, last = 0;

    for (size_t i = 0; i < e->nknown; i++) {
        if (e->scan.days[i].reports == 0) {
            continue;
        }

        if (n == 0 || i - last > gap || n == 1) {
            gap = i - last;
        }

        last = i;
        n++;
    }

    return gap;
}


/* Does nobody report any more, for longer than was usual?  day: the last one
   with a report. */

static int
is_silent(const tlsrpt_evidence_t *e, int32_t *day)
{
    size_t  last = e->nknown, silent;

    *day = tlsrpt_day_of((int64_t) e->scan.all.last);

    while (last && e->scan.days[last - 1].reports == 0) {
        last--;
    }

    silent = e->nknown - last;

    if (last) {
        *day = e->scan.from + (int32_t) last - 1;

    } else if (e->scan.all.reports == 0 || *day >= e->scan.from) {
        return 0;
    }

    return silent >= SILENT_DAYS && (!last || silent > 2 * longest_gap(e));
}


/* The same of one sender. */

static int
is_sender_silent(const tlsrpt_evidence_t *e, const tlsrpt_sender_t *s,
    int32_t *day)
{
    size_t  last = newest(s->days, e->nknown, TLSRPT_SENDER_REPORTED);

    if (last + SILENT_DAYS > e->nknown || !was_steady(s, last)) {
        return 0;
    }

    *day = e->scan.from + (int32_t) last - 1;
    return 1;
}


int
tlsrpt_silence_find(const tlsrpt_evidence_t *e, tlsrpt_problem_t **problems,
    size_t *n)
{
    int32_t  day;

    if (is_silent(e, &day)) {
        return silence_add(day, NULL, problems, n);
    }

    for (size_t i = 0; i < e->nsenders; i++) {
        if (is_sender_silent(e, &e->senders[i], &day)
            && silence_add(day, &e->senders[i], problems, n) != 0)
        {
            return -1;
        }
    }

    return 0;
}
