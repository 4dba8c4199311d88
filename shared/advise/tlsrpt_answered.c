/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdio.h>
#include <string.h>

#include "tlsrpt_answered.h"
#include "tlsrpt_count.h"
#include "tlsrpt_time.h"


#define MAX_TOLD  4                         /* statuses */

typedef struct {
    unsigned  status;
    uint64_t  count;
} answer_t;

/* Of the days of a problem. */
typedef struct {
    answer_t  answers[TLSRPT_MAX_FETCHES];  /* by status: 200 last */
    size_t    nanswers;
    size_t    ndays;                        /* that tell anything */
    int32_t   first;
    int32_t   last;
    size_t    nodes;                        /* fewest that counted all of one */
} answered_t;


int
tlsrpt_answered_explains(const tlsrpt_problem_t *p)
{
    return p->kind == TLSRPT_OF_REPORTS
           && tlsrpt_str_begins(p->result_type, "sts-");
}


static int
is_before(unsigned a, unsigned b)
{
    return a != 200 && (b == 200 || a < b);
}


static void
add_answer(answered_t *a, const tlsrpt_fetch_t *fetch)
{
    size_t  i = 0;

    while (i < a->nanswers && is_before(a->answers[i].status, fetch->status)) {
        i++;
    }

    if (i == a->nanswers || a->answers[i].status != fetch->status) {
        memmove(&a->answers[i + 1], &a->answers[i],
                (a->nanswers - i) * sizeof(a->answers[0]));
        a->answers[i] = (answer_t) { fetch->status, 0 };
        a->nanswers++;
    }

    a->answers[i].count = tlsrpt_count_add(a->answers[i].count, fetch->count);
}


/* One day of the problem. */

static void
add_day(answered_t *a, const tlsrpt_fetches_t *fetches, int32_t day)
{
    int           any = 0;
    const size_t  nodes = tlsrpt_fetches_nodes(fetches, day);

    for (size_t i = 0; i < fetches->n; i++) {
        if (fetches->list[i].day == day && fetches->list[i].count) {
            add_answer(a, &fetches->list[i]);
            any = 1;
        }
    }

    if (!any && nodes == 0) {
        return;
    }

    a->first = a->ndays ? a->first : day;
    a->last = day;
    a->nodes = a->ndays == 0 || nodes < a->nodes ? nodes : a->nodes;
    a->ndays++;
}


/*
 * Words
 */

/* "On 2026-01-19", "On 3 of the days of 2026-01-12 to 2026-01-19" */

static void
name_days(const answered_t *a, tlsrpt_names_t *names)
{
    char  first[TLSRPT_DAY_TEXT_LEN + 1], last[TLSRPT_DAY_TEXT_LEN + 1];

    tlsrpt_day_text(a->first, first);
    tlsrpt_day_text(a->last, last);
    tlsrpt_name_made(names, "counted-first", "%s", first);
    tlsrpt_name_made(names, "counted-last", "%s", last);
    tlsrpt_name_count(names, "counted-days", a->ndays, "day");
    tlsrpt_name_count(names, "counted-nodes", a->nodes, "server");
}


/* "404 12 times, 200 once" */

static void
name_answers(const answered_t *a, tlsrpt_names_t *names)
{
    char    text[256] = "";
    size_t  len = 0;

    for (size_t i = 0; i < a->nanswers && i < MAX_TOLD; i++) {
        const answer_t  *answer = &a->answers[i];

        len += (size_t) snprintf(text + len, sizeof(text) - len,
                                 answer->count == 1 ? "%s%u once"
                                                    : "%s%u %llu times",
                                 len ? ", " : "", answer->status,
                                 (unsigned long long) answer->count);
    }

    tlsrpt_name_made(names, "answers", "%s%s", text,
                     a->nanswers > MAX_TOLD ? ", and others" : "");
}


static void
say_none(const answered_t *a, const tlsrpt_names_t *names, tlsrpt_words_t *w)
{
    tlsrpt_say(w, names, tlsrpt_text("answered", a->ndays == 1 ? "none-once"
                                                               : "none"));
    tlsrpt_say(w, names, tlsrpt_text("answered", "none-so"));
}


static void
say_some(const answered_t *a, const tlsrpt_names_t *names, tlsrpt_words_t *w)
{
    const int  all_good = a->answers[0].status == 200;

    tlsrpt_say(w, names, tlsrpt_text("answered", a->ndays == 1 ? "some-once"
                                                               : "some"));
    tlsrpt_say(w, names, tlsrpt_text("answered", all_good ? "good" : "bad"));
}


void
tlsrpt_answered_say(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p,
    tlsrpt_names_t *names, tlsrpt_words_t *w)
{
    answered_t  a;

    if (e->fetches == NULL || !tlsrpt_answered_explains(p)) {
        return;
    }

    memset(&a, 0, sizeof(a));

    for (size_t i = 0; i < p->nhits; i = tlsrpt_problem_next_day(p, i)) {
        add_day(&a, e->fetches, e->scan.from + (int32_t) p->hits[i].day);
    }

    if (a.ndays == 0) {
        return;
    }

    name_days(&a, names);

    if (a.nanswers) {
        name_answers(&a, names);
        say_some(&a, names, w);

    } else {
        say_none(&a, names, w);
    }
}
