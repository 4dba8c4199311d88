/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include "tlsrpt_answered.h"
#include "tlsrpt_checked.h"
#include "tlsrpt_conflicts.h"
#include "tlsrpt_contacts.h"
#include "tlsrpt_gather.h"
#include "tlsrpt_judge.h"
#include "tlsrpt_episodes_json.h"
#include "tlsrpt_problems.h"
#include "tlsrpt_silence.h"
#include "tlsrpt_state.h"
#include "tlsrpt_time.h"
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
    tlsrpt_state_t          state;          /* unless it was given */
    int                     state_asked;
    int                     state_known;
    tlsrpt_checked_t        checked;        /* where it is asked for */
    int                     asks_check;     /* commands that are left to ask */
    int                     check_left;     /* replies that are to come */
    tlsrpt_fetches_t        fetches;        /* where they may explain one */
    int                     asks_fetches;   /* commands that are left to ask */
    int                     nodes_known;
    int64_t                 now;            /* of asks_check */
    int                     asks_muted;     /* is left to ask */
    json_t                 *muted;          /* id -> day; NULL: not asked */
    char                    today[TLSRPT_DAY_TEXT_LEN + 1];     /* of it */
    tlsrpt_key_read_t       read;
} tlsrpt_problems_t;

/* No command of the scan, nor of a list, has these numbers. */
#define STATE_NUMBER   ((size_t) -1)
#define SEEN_NUMBER    ((size_t) -2)
#define SERVED_NUMBER  ((size_t) -3)
#define FETCH_NUMBER   ((size_t) -4)        /* the last of FETCH_COMMANDS */
#define FETCH_COMMANDS 3
#define MUTED_NUMBER   (FETCH_NUMBER - FETCH_COMMANDS)

/* More than an id has. */
#define MAX_ID  64


static void
problems_destroy(tlsrpt_lookup_t *lookup)
{
    tlsrpt_problems_t  *problems = (tlsrpt_problems_t *) lookup;

    tlsrpt_gather_free(&problems->gather);
    tlsrpt_conflict_days_free(&problems->lists);
    tlsrpt_state_free(&problems->state);
    tlsrpt_checked_free(&problems->checked);
    json_decref(problems->muted);
    free(problems);
}


/*
 * Reading: the state beside the totals, the day logs, then the lists of some
 * days
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

        if (tlsrpt_answered_explains(p)) {
            problems->asks_fetches = FETCH_COMMANDS;
            e->fetches = &problems->fetches;
        }

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
ask_state(tlsrpt_problems_t *problems, size_t *n)
{
    const tlsrpt_day_scan_t  *scan = &problems->gather.evidence.scan;

    problems->state_asked = 1;
    *n = STATE_NUMBER;

    tlsrpt_key_domain(&problems->read.key, scan->prefix, scan->domain,
                      TLSRPT_STATE_KEY);

    return tlsrpt_key_read(&problems->read, "GET", NULL, 0);
}


/* What was seen, then what is served. */

static const tlsrpt_command_t *
ask_check(tlsrpt_problems_t *problems, size_t *n)
{
    const tlsrpt_day_scan_t  *scan = &problems->gather.evidence.scan;
    const int                 seen = problems->asks_check-- == 2;

    *n = seen ? SEEN_NUMBER : SERVED_NUMBER;
    tlsrpt_key_domain(&problems->read.key, scan->prefix, scan->domain,
                      seen ? TLSRPT_SEEN_KEY : TLSRPT_VERSIONS_KEY);

    return tlsrpt_key_read(&problems->read, "GET", NULL, 0);
}


/* What was answered, which nodes counted that, which of these serve it. */

static const tlsrpt_command_t *
ask_fetches(tlsrpt_problems_t *problems, size_t *n)
{
    const tlsrpt_day_scan_t  *scan = &problems->gather.evidence.scan;

    if (problems->asks_fetches == 1 && !problems->nodes_known) {
        return NULL;
    }

    *n = FETCH_NUMBER - (size_t) --problems->asks_fetches;

    if (problems->asks_fetches == 1) {
        tlsrpt_key_checks(&problems->read.key, scan->prefix,
                          TLSRPT_FETCHES_NODES);
    } else {
        tlsrpt_key_domain(&problems->read.key, scan->prefix, scan->domain,
                          problems->asks_fetches ? TLSRPT_FETCHES_KEY
                                                 : TLSRPT_VERSIONS_KEY);
    }

    return tlsrpt_key_read(&problems->read,
                           problems->asks_fetches ? "HGETALL" : "GET", NULL, 0);
}


static void
add_fetches(tlsrpt_problems_t *problems, size_t n, const tlsrpt_reply_t *reply)
{
    switch (FETCH_NUMBER - n) {

    case 2:
        tlsrpt_fetches_read(&problems->fetches, reply);
        break;

    case 1:
        tlsrpt_fetches_read_nodes(&problems->fetches, reply);
        problems->nodes_known = 1;
        break;

    default:
        tlsrpt_fetches_read_served(&problems->fetches, reply);
    }
}


static const tlsrpt_command_t *
ask_muted(tlsrpt_problems_t *problems, size_t *n)
{
    const tlsrpt_day_scan_t  *scan = &problems->gather.evidence.scan;

    problems->asks_muted = 0;
    *n = MUTED_NUMBER;
    tlsrpt_key_domain(&problems->read.key, scan->prefix, scan->domain,
                      TLSRPT_MUTED_KEY);

    return tlsrpt_key_read(&problems->read, "HGETALL", NULL, 0);
}


static const tlsrpt_command_t *
problems_next(tlsrpt_lookup_t *lookup, size_t *n)
{
    tlsrpt_problems_t  *problems = (tlsrpt_problems_t *) lookup;

    tlsrpt_day_scan_t       *scan = &problems->gather.evidence.scan;
    const tlsrpt_command_t  *command;

    if (!problems->state_asked) {
        return ask_state(problems, n);
    }

    if (problems->asks_check) {
        return ask_check(problems, n);
    }

    if (problems->asks_muted) {
        return ask_muted(problems, n);
    }

    if (!problems->state_known || problems->check_left) {
        return tlsrpt_day_scan_next_totals(scan, n);
    }

    command = tlsrpt_day_scan_next(scan, n);

    if (command != NULL || scan->pending) {
        return command;
    }

    if (!problems->gathered) {
        want_lists(problems);
    }

    if (problems->asks_fetches) {
        return ask_fetches(problems, n);
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
add_state(tlsrpt_problems_t *problems, const tlsrpt_reply_t *reply)
{
    if (tlsrpt_state_read(reply, &problems->state) != 0) {
        return -1;
    }

    problems->state_known = 1;
    tlsrpt_episodes_read(&problems->gather.episodes, problems->state.json);

    return 0;
}


/* Of this host's own configuration it is known best what is served. */

static void
add_check(tlsrpt_problems_t *problems, size_t n, const tlsrpt_reply_t *reply)
{
    tlsrpt_checked_t   *checked = &problems->checked;
    tlsrpt_evidence_t  *e = &problems->gather.evidence;

    problems->check_left--;

    if (n == SEEN_NUMBER) {
        tlsrpt_checked_add_seen(checked, reply);
        return;
    }

    tlsrpt_checked_add_served(checked, reply, problems->now);

    if (e->served == NULL && checked->has_policy) {
        e->served = &checked->policy;
    }
}


/* What is neither an id nor a day is nobody's mute. */

static int
is_mute(const tlsrpt_reply_t *name, const tlsrpt_reply_t *day)
{
    int32_t  number;

    if (name->type != TLSRPT_REPLY_STRING || name->len > MAX_ID
        || day->type != TLSRPT_REPLY_STRING
        || tlsrpt_day_parse(day->str, day->len, &number) != 0)
    {
        return 0;
    }

    for (size_t i = 0; i < name->len; i++) {
        if (name->str[i] <= ' ' || name->str[i] > '~') {
            return 0;
        }
    }

    return 1;
}


static int
add_muted(tlsrpt_problems_t *problems, const tlsrpt_reply_t *reply)
{
    char  id[MAX_ID + 1];

    for (size_t i = 0; i + 1 < reply->nelements; i += 2) {
        const tlsrpt_reply_t  *name = reply->elements[i];
        const tlsrpt_reply_t  *day = reply->elements[i + 1];

        if (!is_mute(name, day)) {
            continue;
        }

        memcpy(id, name->str, name->len);
        id[name->len] = '\0';

        if (json_object_set_new(problems->muted, id,
                                json_stringn(day->str, day->len)) != 0)
        {
            return -1;
        }
    }

    return 0;
}


static int
problems_add(tlsrpt_lookup_t *lookup, size_t n, const tlsrpt_reply_t *reply)
{
    int                 rc;
    size_t              day;
    tlsrpt_str_t        log;
    tlsrpt_problems_t  *problems = (tlsrpt_problems_t *) lookup;
    tlsrpt_day_scan_t  *scan = &problems->gather.evidence.scan;

    if (n == STATE_NUMBER) {
        return add_state(problems, reply) == 0 ? TLSRPT_OK : TLSRPT_ERR_MEMORY;
    }

    if (n == MUTED_NUMBER) {
        return add_muted(problems, reply) == 0 ? TLSRPT_OK : TLSRPT_ERR_MEMORY;
    }

    if (n == SEEN_NUMBER || n == SERVED_NUMBER) {
        add_check(problems, n, reply);
        return TLSRPT_OK;
    }

    if (n <= FETCH_NUMBER && n > FETCH_NUMBER - FETCH_COMMANDS) {
        add_fetches(problems, n, reply);
        return TLSRPT_OK;
    }

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
 * Once all is read
 */

static int
find_unfound(tlsrpt_gather_t *g, const tlsrpt_episode_t *past)
{
    tlsrpt_problem_t  *p;

    if (tlsrpt_unfound_find(&g->evidence, &g->episodes, past, &p) != 0) {
        return -1;
    }

    if (p != NULL) {
        g->list[g->n++] = p;
    }

    return 0;
}


static int
find_all_unfound(tlsrpt_gather_t *g)
{
    int  rc = find_unfound(g, NULL);

    for (size_t i = 0; rc == 0 && !g->leaves_past && i < g->episodes.npast; i++)
    {
        if (tlsrpt_str_is(g->episodes.past[i].type, TLSRPT_POLICY_NOT_FOUND)) {
            rc = find_unfound(g, &g->episodes.past[i]);
        }
    }

    return rc;
}


static int
finish(tlsrpt_gather_t *g)
{
    const tlsrpt_evidence_t  *e = &g->evidence;

    /* A day log that is full leaves its failures to the day's totals. */
    for (size_t i = 0; i < e->scan.ndays; i++) {
        if (tlsrpt_gather_overflow(g, e->scan.days[i].overflow, i) != 0) {
            return -1;
        }
    }

    if (find_all_unfound(g) != 0) {
        return -1;
    }

    for (size_t i = 0; i < g->n; i++) {
        tlsrpt_problem_settle(g->list[i]);
        tlsrpt_judge(e, g->list[i]);
    }

    return tlsrpt_silence_find(e, g->list, &g->n) != 0
           || tlsrpt_checked_join(e, g->list, &g->n) != 0 ? -1 : 0;
}


/* Have reports come in the range? */

static int
has_reports(const tlsrpt_evidence_t *e)
{
    for (size_t i = 0; i < e->scan.ndays; i++) {
        if (e->scan.days[i].reports) {
            return 1;
        }
    }

    return 0;
}


int
tlsrpt_problems_found(tlsrpt_lookup_t *lookup, tlsrpt_found_t *found)
{
    tlsrpt_problems_t  *problems = (tlsrpt_problems_t *) lookup;
    tlsrpt_gather_t    *g = &problems->gather;

    tlsrpt_checked_judge(&problems->checked, g->evidence.scan.domain,
                         problems->now, has_reports(&g->evidence));
    g->evidence.checked = &problems->checked;

    if (finish(g) != 0) {
        return -1;
    }

    tlsrpt_problem_sort(g->list, g->n);
    found->evidence = &g->evidence;
    found->list = g->list;
    found->n = g->n;

    return 0;
}


/* Until when nobody is alerted, where somebody asked for that. */

static void
tell_muted(const tlsrpt_problems_t *problems, json_t *array)
{
    size_t   i;
    json_t  *one, *day;

    json_array_foreach(array, i, one) {
        day = json_object_get(problems->muted,
                              json_string_value(json_object_get(one, "id")));

        if (day && strcmp(json_string_value(day), problems->today) > 0) {
            json_object_set(one, "muted-until", day);
        }
    }
}


static json_t *
problems_json(tlsrpt_lookup_t *lookup)
{
    json_t             *array;
    tlsrpt_problems_t  *problems = (tlsrpt_problems_t *) lookup;
    tlsrpt_gather_t    *g = &problems->gather;
    char                from[TLSRPT_DAY_TEXT_LEN + 1];
    char                to[TLSRPT_DAY_TEXT_LEN + 1];

    if (finish(g) != 0) {
        return NULL;
    }

    array = tlsrpt_episodes_json(&g->evidence, &g->episodes, g->list, g->n);
    tell_muted(problems, array);
    tlsrpt_day_text(g->evidence.scan.from, from);
    tlsrpt_day_text(g->evidence.scan.to, to);

    return json_pack("{s:s%, s:s, s:s, s:O, s:o}", "domain",
                     g->evidence.scan.domain.data, g->evidence.scan.domain.len,
                     "from", from, "to", to, "conflicting-reports",
                     problems->lists.reports, "problems", array);
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
    problems->muted = json_object();
    problems->asks_muted = 1;
    tlsrpt_day_text(today, problems->today);
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
    tlsrpt_str_t prefix, const mta_sts_policy_t *served, int64_t now,
    const json_t *state)
{
    tlsrpt_lookup_t    *lookup = tlsrpt_problems_create(query, domain, prefix,
                                                        served,
                                                        tlsrpt_day_of(now));
    tlsrpt_problems_t  *problems = (tlsrpt_problems_t *) lookup;

    if (lookup != NULL) {
        problems->state_asked = 1;
        problems->state_known = 1;
        problems->asks_muted = 0;
        problems->gather.leaves_past = 1;
        problems->asks_check = 2;
        problems->check_left = 2;
        problems->now = now;
        tlsrpt_episodes_read(&problems->gather.episodes, state);
    }

    return lookup;
}
