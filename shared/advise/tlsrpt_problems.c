/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>

#include "tlsrpt_conflicts.h"
#include "tlsrpt_contacts.h"
#include "tlsrpt_gather.h"
#include "tlsrpt_judge.h"
#include "tlsrpt_problem_json.h"
#include "tlsrpt_problems.h"
#include "tlsrpt_silence.h"
#include "tlsrpt_unfound.h"


/* Lists of reports that are read for whom to ask, at most, and of each problem:
   its last days. */
#define MAX_LISTS   31
#define LISTS_EACH  2

typedef struct {
    tlsrpt_lookup_t         lookup;
    tlsrpt_gather_t         gather;
    mta_sts_policy_t        served;
    tlsrpt_conflict_days_t  lists;          /* of days to be read */
    size_t                  nlists;
    int                     gathered;
} tlsrpt_problems_t;


static void
problems_destroy(tlsrpt_lookup_t *lookup)
{
    tlsrpt_problems_t  *problems = (tlsrpt_problems_t *) lookup;

    tlsrpt_gather_free(&problems->gather);
    tlsrpt_conflict_days_free(&problems->lists);
    free(problems);
}


/*
 * Reading: the day logs, then the lists of some days
 */

static void
want_list(tlsrpt_problems_t *problems, size_t day)
{
    if (problems->nlists < MAX_LISTS
        && tlsrpt_conflict_days_want(&problems->lists, day))
    {
        problems->nlists++;
    }
}


/* That of the day, and of the one before on which the sender reported, or
   anybody. */

static void
want_last(tlsrpt_problems_t *problems, const tlsrpt_sender_t *s, size_t day)
{
    const tlsrpt_evidence_t  *e = &problems->gather.evidence;

    for (size_t n = 0; day < e->scan.ndays && n < 2; day--) {
        if (s != NULL ? s->at[day] > 0 : e->scan.days[day].reports > 0) {
            want_list(problems, day);
            n++;
        }
    }
}


/* Once all day logs are there. */

static void
want_lists(tlsrpt_problems_t *problems)
{
    size_t              day;
    tlsrpt_gather_t    *g = &problems->gather;
    tlsrpt_evidence_t  *e = &g->evidence;

    problems->gathered = 1;

    for (size_t i = 0; i < g->n; i++) {
        tlsrpt_problem_t  *p = g->list[i];
        size_t             last = (size_t) -1, n = 0;

        tlsrpt_problem_settle(p);

        for (size_t k = p->nhits; k > 0 && n < LISTS_EACH; k--) {
            day = p->hits[k - 1].day;

            if (day != last) {
                want_list(problems, day);
                last = day;
                n++;
            }
        }
    }

    /* how late are those that seem to have stopped? */
    if (tlsrpt_silence_of(e, NULL, &day)) {
        want_last(problems, NULL, day);
    }

    for (size_t i = 0; i < e->nsenders; i++) {
        if (tlsrpt_silence_of(e, &e->senders[i], &day)) {
            want_last(problems, &e->senders[i], day);
        }
    }
}


static const tlsrpt_command_t *
problems_next(tlsrpt_lookup_t *lookup, size_t *n)
{
    tlsrpt_problems_t  *problems = (tlsrpt_problems_t *) lookup;

    tlsrpt_day_scan_t       *scan = &problems->gather.evidence.scan;
    const tlsrpt_command_t  *command = tlsrpt_day_scan_next(scan, n);

    if (command != NULL || scan->pending) {
        return command;
    }

    if (!problems->gathered) {
        want_lists(problems);
    }

    *n = tlsrpt_day_scan_end(scan);         /* whichever page of a list */

    return tlsrpt_conflict_days_next(&problems->lists, scan);
}


static int
problems_seen(const tlsrpt_lookup_t *lookup)
{
    return ((const tlsrpt_problems_t *) lookup)->gather.evidence.scan.seen;
}


/* Of a list that is read for whom to ask. */

static int
add_listing(void *ctx, const tlsrpt_listing_t *listing, size_t day)
{
    tlsrpt_problems_t  *problems = ctx;

    return tlsrpt_contacts_add(&problems->gather.evidence, listing, day);
}


static void
add_list(void *ctx, const tlsrpt_day_list_t *list, size_t day)
{
    tlsrpt_problems_t  *problems = ctx;

    tlsrpt_contacts_dispute(&problems->gather.evidence, list, day);
}


static int
add_log(tlsrpt_problems_t *problems, tlsrpt_str_t log, size_t day)
{
    int  again, rc = tlsrpt_gather_log(&problems->gather, log.data, log.len,
                                       day, &again);

    if (rc == 0 && again) {
        tlsrpt_conflict_days_note(&problems->lists, day);
    }

    return rc;
}


static int
problems_add(tlsrpt_lookup_t *lookup, size_t n, const tlsrpt_reply_t *reply)
{
    int                 rc;
    size_t              day;
    tlsrpt_str_t        log;
    tlsrpt_problems_t  *problems = (tlsrpt_problems_t *) lookup;
    tlsrpt_day_scan_t  *scan = &problems->gather.evidence.scan;

    if (n >= tlsrpt_day_scan_end(scan)) {
        return tlsrpt_conflict_days_add(&problems->lists, scan, reply) == 0
               ? TLSRPT_OK : TLSRPT_ERR_MEMORY;
    }

    rc = tlsrpt_day_scan_add(scan, n, reply);

    while (rc == 0 && tlsrpt_day_scan_log(scan, &day, &log)) {
        rc = add_log(problems, log, day);
    }

    return rc == 0 ? TLSRPT_OK : TLSRPT_ERR_MEMORY;
}


/*
 * Answering, once all is read
 */

static int
finish(tlsrpt_gather_t *g)
{
    tlsrpt_problem_t         *p;
    const tlsrpt_evidence_t  *e = &g->evidence;

    /* A day log that is full leaves its failures to the day's totals. */
    for (size_t i = 0; i < e->scan.ndays; i++) {
        if (tlsrpt_gather_overflow(g, e->scan.days[i].overflow, i) != 0) {
            return -1;
        }
    }

    if (tlsrpt_unfound_find(e, &p) != 0) {
        return -1;
    }

    if (p != NULL) {
        g->list[g->n++] = p;
    }

    for (size_t i = 0; i < g->n; i++) {
        tlsrpt_problem_settle(g->list[i]);
        tlsrpt_judge(e, g->list[i]);
    }

    if (tlsrpt_silence_find(e, g->list, &g->n) != 0) {
        return -1;
    }

    tlsrpt_problem_sort(g->list, g->n);

    return 0;
}


static json_t *
problems_json(tlsrpt_lookup_t *lookup)
{
    tlsrpt_problems_t  *problems = (tlsrpt_problems_t *) lookup;
    tlsrpt_gather_t    *g = &problems->gather;

    return finish(g) == 0
           ? tlsrpt_problem_json(&g->evidence, g->list, g->n,
                                 problems->lists.reports)
           : NULL;
}


int
tlsrpt_problems_found(tlsrpt_lookup_t *lookup, tlsrpt_found_t *found)
{
    tlsrpt_gather_t  *g = &((tlsrpt_problems_t *) lookup)->gather;

    found->evidence = &g->evidence;
    found->list = g->list;

    if (finish(g) != 0) {
        return -1;
    }

    found->n = g->n;

    return 0;
}


static const tlsrpt_lookup_type_t  problems_type = {
    problems_next, problems_add, problems_seen,
    problems_json, NULL, problems_destroy
};


tlsrpt_lookup_t *
tlsrpt_problems_create(const tlsrpt_query_t *query, tlsrpt_str_t domain,
    tlsrpt_str_t prefix, const mta_sts_policy_t *served,
    int32_t today)
{
    tlsrpt_evidence_t  *e;
    tlsrpt_problems_t  *problems = calloc(1, sizeof(*problems));

    if (problems == NULL) {
        return NULL;
    }

    problems->lookup.type = &problems_type;
    e = &problems->gather.evidence;

    if (served != NULL) {
        problems->served = *served;
        e->served = &problems->served;
    }

    if (tlsrpt_day_scan_init(&e->scan, query, domain, prefix) != 0
        || tlsrpt_conflict_days_init(&problems->lists, e->scan.ndays, domain)
           != 0)
    {
        problems_destroy(&problems->lookup);
        return NULL;
    }

    problems->lists.each = add_listing;
    problems->lists.over = add_list;
    problems->lists.ctx = problems;

    e->nknown = today < query->from ? 0
                : today > query->to ? e->scan.ndays
                : (size_t) (today - query->from) + 1;

    return &problems->lookup;
}


tlsrpt_lookup_t *
tlsrpt_problems_follow(const tlsrpt_query_t *query, tlsrpt_str_t domain,
    tlsrpt_str_t prefix, const mta_sts_policy_t *served, int32_t today,
    const json_t *state)
{
    (void) state;

    return tlsrpt_problems_create(query, domain, prefix, served, today);
}
