/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include "tlsrpt_checked.h"
#include "tlsrpt_contacts.h"
#include "tlsrpt_entry.h"
#include "tlsrpt_episode.h"
#include "tlsrpt_further.h"
#include "tlsrpt_problem_json.h"
#include "tlsrpt_records_follow.h"
#include "tlsrpt_result.h"
#include "tlsrpt_senders_follow.h"
#include "tlsrpt_time.h"


/* What nobody signed is waited with, so long after it was first seen. */
#define SETTLE_SECONDS   43200
/* What is older when it opens is no news. */
#define LATE_DAYS        7
/* Problems that are open by themselves; of these, that nobody signed where
   others sign: strangers cannot take the place of what is known. */
#define MAX_OPEN         (TLSRPT_STATE_OPEN - 1)
#define MAX_UNVERIFIED   (MAX_OPEN / 2)
/* How often it is looked at for what time alone brings. */
#define LOOK_SECONDS     TLSRPT_DAY

/* One transition. */
typedef struct {
    const tlsrpt_evidence_t   *evidence;
    tlsrpt_problem_t *const   *problems;
    size_t                     n;
    const json_t              *old;
    const tlsrpt_follow_t     *how;
    int32_t                    today;
    tlsrpt_episodes_t          episodes;    /* of the old state */
    unsigned char             *known;       /* of the problems: it was open */
    tlsrpt_entries_t           entries;     /* of the new state */
    tlsrpt_further_t           further;
    size_t                     nopen;       /* by themselves */
    size_t                     nunverified; /* of these */
    int64_t                    wait;        /* until one has settled; 0: none */
} move_t;


static tlsrpt_str_t
member(const json_t *object, const char *name)
{
    const json_t  *value = json_object_get(object, name);
    tlsrpt_str_t   s = { json_string_value(value), json_string_length(value) };

    return s;
}


/* What we saw ourselves needs nobody's signature. */

static int
is_unverified(const move_t *m, const tlsrpt_problem_t *p)
{
    return p->finding == NULL
           && tlsrpt_entries_is_unverified(&m->entries, p->by_signed);
}


static tlsrpt_verdict_t
verdict_of(const move_t *m, const tlsrpt_problem_t *p)
{
    tlsrpt_verdict_t  v = { p->severity, p->by_signed, p->lost, NULL };

    if (p->finding != NULL && v.by_signed < TLSRPT_SEVERITY_MEDIUM) {
        v.by_signed = TLSRPT_SEVERITY_MEDIUM;
    }

    v.problem = tlsrpt_problem_json(m->evidence, p);
    tlsrpt_further_cut(v.problem);

    return v;
}


static tlsrpt_verdict_t
verdict_of_further(const move_t *m)
{
    const tlsrpt_further_t  *f = &m->further;
    tlsrpt_verdict_t         v = { f->severity, f->by_signed, f->lost, NULL };

    v.problem = tlsrpt_further_json(m->evidence, f);
    tlsrpt_further_cut(v.problem);

    return v;
}


/*
 * What was open
 */

/* The problem that is found of the episode; n: none. */

static size_t
find(const move_t *m, const tlsrpt_episode_t *episode)
{
    size_t  i = 0;

    while (i < m->n && (m->known[i]
                        || !tlsrpt_episode_is_of(episode, m->evidence,
                                                 m->problems[i])))
    {
        i++;
    }

    return i;
}


static void
end_found(move_t *m, const json_t *old, const tlsrpt_problem_t *p)
{
    char              last[TLSRPT_DAY_TEXT_LEN + 1];
    tlsrpt_verdict_t  v = verdict_of(m, p);

    tlsrpt_day_text(p->last, last);
    tlsrpt_entries_end(&m->entries, old, v.problem, last,
                       p->state == TLSRPT_STATE_LAPSED);
    json_decref(v.problem);
}


/* Reports were struck out: was it open by them?  Its last day is in the range,
   and nothing is found of it. */

static int
is_withdrawn(const move_t *m, const json_t *old)
{
    int32_t       day;
    tlsrpt_str_t  last = member(json_object_get(old, "problem"), "last-day");

    return m->how->struck && last.len
           && tlsrpt_day_parse(last.data, last.len, &day) == 0
           && day >= m->evidence->scan.from;
}


static void
count_open(move_t *m, int unverified)
{
    m->nopen++;
    m->nunverified += (size_t) unverified;
}


/* Nothing of it is in the range any more. */

static void
end_unfound(move_t *m, const json_t *old)
{
    const json_t  *problem = json_object_get(old, "problem");
    tlsrpt_str_t   last = member(problem, "last-day");

    switch (tlsrpt_checked_end(m->evidence, old)) {

    case TLSRPT_CHECKED_OVER:
        tlsrpt_entries_end(&m->entries, old, problem, m->entries.day, 0);
        return;

    case TLSRPT_CHECKED_UNKNOWN:
        tlsrpt_entries_keep(&m->entries, old);
        count_open(m, 0);
        return;

    default:
        break;
    }

    if (is_withdrawn(m, old)) {
        tlsrpt_entries_withdraw(&m->entries, old);
        return;
    }

    tlsrpt_entries_end(&m->entries, old, problem,
                       last.len ? last.data : m->entries.day, 1);
}


/* What is left of it would not have opened; but what was as little before
   something was struck out ends as it always does. */

static int
is_left_over(const move_t *m, const tlsrpt_problem_t *p, const json_t *old)
{
    tlsrpt_str_t  severity = member(old, "severity");

    return m->how->struck && p->severity < TLSRPT_SEVERITY_MEDIUM
           && !tlsrpt_str_is(severity, "low");
}


static void
be_known(move_t *m, size_t i, const json_t *old)
{
    m->known[i] = 1;

    if (is_left_over(m, m->problems[i], old)) {
        tlsrpt_entries_withdraw(&m->entries, old);
        return;
    }

    /* what a check showed, too, is not over while no check can tell */
    if (tlsrpt_problem_is_over(m->problems[i])
        && tlsrpt_checked_end(m->evidence, old) == TLSRPT_CHECKED_UNKNOWN)
    {
        tlsrpt_entries_keep(&m->entries, old);
        count_open(m, json_object_get(old, "unverified") != NULL);
        return;
    }

    if (tlsrpt_problem_is_over(m->problems[i])) {
        end_found(m, old, m->problems[i]);
        return;
    }

    tlsrpt_entries_update(&m->entries, old, verdict_of(m, m->problems[i]));
    count_open(m, json_object_get(old, "unverified") != NULL);
}


/* Silence that is not found: reports came again, or it is too long ago to be
   seen, or the whole domain fell silent. */

static void
follow_silence(move_t *m, const tlsrpt_episode_t *episode)
{
    char                      ended[TLSRPT_DAY_TEXT_LEN + 1];
    size_t                    last;
    int32_t                   day;
    const json_t             *old = episode->entry;
    const json_t             *problem = json_object_get(old, "problem");
    const tlsrpt_evidence_t  *e = m->evidence;
    const tlsrpt_sender_t    *s = NULL;
    tlsrpt_str_t              name = episode->cause;
    const int                 unverified = json_object_get(old, "unverified")
                                           != NULL;

    if (tlsrpt_str_begins(name, TLSRPT_CAUSE_SENDER)) {
        name.data += strlen(TLSRPT_CAUSE_SENDER);
        name.len -= strlen(TLSRPT_CAUSE_SENDER);
        s = tlsrpt_contacts_sender(e, name);

        if (s == NULL) {
            tlsrpt_entries_end(&m->entries, old, problem, m->entries.day, 1);
            return;
        }
    }

    last = tlsrpt_evidence_last(e, s, e->verified && !unverified);
    day = e->scan.from + (int32_t) last - 1;

    if (last > 0 && day >= episode->opened) {
        tlsrpt_day_text(day, ended);
        tlsrpt_entries_end(&m->entries, old, problem, ended, 0);

    } else {
        tlsrpt_entries_keep(&m->entries, old);
        count_open(m, unverified);
    }
}


static void
follow_old(move_t *m)
{
    for (size_t k = 0; k < m->episodes.nopen; k++) {
        const tlsrpt_episode_t  *episode = &m->episodes.open[k];
        const size_t             i = find(m, episode);

        if (tlsrpt_str_is(episode->cause, TLSRPT_CAUSE_FURTHER)) {
            continue;
        }

        if (i < m->n) {
            be_known(m, i, episode->entry);

        } else if (tlsrpt_str_is(episode->type, "silence")
                   && !tlsrpt_str_is(episode->cause, TLSRPT_CAUSE_POLICY))
        {
            follow_silence(m, episode);

        } else {
            end_unfound(m, episode->entry);
        }
    }
}


/*
 * What is new
 */

static int32_t
opened_on(const tlsrpt_problem_t *p)
{
    return tlsrpt_problem_is_silence(p) ? p->last + 1 : p->first;
}


static int
is_to_open(const move_t *m, size_t i)
{
    const tlsrpt_problem_t  *p = m->problems[i];

    return !m->known[i] && !tlsrpt_problem_is_over(p)
           && (p->severity >= TLSRPT_SEVERITY_MEDIUM
               || (p->finding != NULL && p->finding->opens));
}


/* Since when is it waited with?  From now on, if it is seen for the first
   time. */

static int64_t
waiting_since(const move_t *m, const tlsrpt_problem_t *p)
{
    size_t   i;
    int64_t  since;
    json_t  *entry;

    json_array_foreach(json_object_get(m->old, "waiting"), i, entry) {
        tlsrpt_episode_t  e = { .type = member(entry, "type"),
                                .cause = member(entry, "cause") };

        if (e.type.data != NULL && e.cause.data != NULL
            && tlsrpt_episode_is_of(&e, m->evidence, p))
        {
            since = json_integer_value(json_object_get(entry, "since"));
            return since < m->how->now ? since : m->how->now;
        }
    }

    return m->how->now;
}


static void
wait_for(move_t *m, const tlsrpt_problem_t *p, int64_t since)
{
    const int64_t  left = since + SETTLE_SECONDS - m->how->now;

    if (json_array_size(m->entries.waiting) == TLSRPT_STATE_WAITING) {
        return;
    }

    tlsrpt_entries_append(&m->entries, m->entries.waiting,
        json_pack("{s:o, s:o, s:I}", "type", tlsrpt_str_json(p->result_type),
                  "cause", tlsrpt_episode_cause(m->evidence, p),
                  "since", (json_int_t) since));

    if (left > 0 && (m->wait == 0 || left < m->wait)) {
        m->wait = left;
    }
}


/* Have others had their say on its last day?  Where reports are signed, by such
   ones. */

static int
is_talked_over(const move_t *m, const tlsrpt_problem_t *p)
{
    return p->kind == TLSRPT_OF_REPORTS
           && tlsrpt_evidence_is_settled(m->evidence,
                  (size_t) (p->last - m->evidence->scan.from), p->saw);
}


/* What signed reports tell, or in a domain without any a sender's own share, is
   believed at once, unless the count is hard to believe; the rest when it has
   settled. */

static int
has_settled(const move_t *m, const tlsrpt_problem_t *p, int64_t *since)
{
    *since = m->how->now - SETTLE_SECONDS;

    if (m->how->quiet || m->how->restored || p->kind == TLSRPT_OF_CHECK
        || p->by_sure >= TLSRPT_SEVERITY_MEDIUM
        || is_talked_over(m, p))
    {
        return 1;
    }

    *since = waiting_since(m, p);

    return *since + SETTLE_SECONDS <= m->how->now;
}


static void
open_problem(move_t *m, const tlsrpt_problem_t *p)
{
    tlsrpt_opening_t  opening = {
        .type = tlsrpt_str_json(p->result_type),
        .cause = tlsrpt_episode_cause(m->evidence, p),
        .opened = opened_on(p),
        .late = !tlsrpt_problem_is_silence(p) && m->today - p->last > LATE_DAYS
    };

    tlsrpt_entries_open(&m->entries, opening, verdict_of(m, p));
    count_open(m, is_unverified(m, p));
}


/* It is not to wait once more. */

static void
be_further(move_t *m, const tlsrpt_problem_t *p, int64_t since)
{
    tlsrpt_further_add(&m->further, p);

    if (p->by_sure < TLSRPT_SEVERITY_MEDIUM) {
        wait_for(m, p, since);
    }
}


static void
follow_new(move_t *m, int unverified)
{
    int64_t  since;

    for (size_t i = 0; i < m->n; i++) {
        const tlsrpt_problem_t  *p = m->problems[i];

        if (is_unverified(m, p) != unverified || !is_to_open(m, i))
        {
            continue;
        }

        if (!has_settled(m, p, &since)) {
            wait_for(m, p, since);

        } else if (m->nopen >= MAX_OPEN
                   || (unverified && m->nunverified >= MAX_UNVERIFIED))
        {
            be_further(m, p, since);

        } else {
            open_problem(m, p);
        }
    }
}


static const json_t *
old_further(const move_t *m)
{
    for (size_t k = 0; k < m->episodes.nopen; k++) {
        if (tlsrpt_str_is(m->episodes.open[k].cause, TLSRPT_CAUSE_FURTHER)) {
            return m->episodes.open[k].entry;
        }
    }

    return NULL;
}


/* The one that stands for those beyond the bound. */

static void
follow_further(move_t *m)
{
    const json_t      *old = old_further(m);
    tlsrpt_opening_t   opening = { NULL, NULL, m->today, 0 };

    if (m->further.n == 0) {
        if (old != NULL && is_withdrawn(m, old)) {
            tlsrpt_entries_withdraw(&m->entries, old);

        } else if (old != NULL) {
            tlsrpt_entries_end(&m->entries, old,
                               json_object_get(old, "problem"),
                               m->entries.day, 0);
        }

    } else if (old != NULL) {
        tlsrpt_entries_update(&m->entries, old, verdict_of_further(m));

    } else {
        opening.type = json_string(TLSRPT_OVERFLOW);
        opening.cause = json_string(TLSRPT_CAUSE_FURTHER);
        opening.late = m->today - m->further.last > LATE_DAYS;
        tlsrpt_entries_open(&m->entries, opening, verdict_of_further(m));
    }
}


/*
 * All of it
 */

static void
keep_past(move_t *m)
{
    json_t  *past = m->entries.past;

    for (size_t i = 0; i < m->episodes.npast; i++) {
        if (json_array_size(past) < TLSRPT_STATE_PAST) {
            tlsrpt_entries_append(&m->entries, past,
                json_incref((json_t *) m->episodes.past[i].entry));
        }
    }
}


static int64_t
next_look(const move_t *m)
{
    /* what was seen gets worse by time alone: certificates end */
    int  is_reported = json_array_size(m->entries.open) > 0
                       || (m->evidence->checked != NULL
                           && m->evidence->checked->has_seen);

    for (size_t i = 0; i < m->evidence->scan.ndays; i++) {
        is_reported |= m->evidence->scan.days[i].reports > 0;
    }

    return m->wait ? m->wait : is_reported ? LOOK_SECONDS : 0;
}


static void
take(move_t *m, tlsrpt_transition_t *t)
{
    tlsrpt_entries_t  *s = &m->entries;

    t->open = (unsigned) json_array_size(s->open);
    t->worst = tlsrpt_entries_worst(s);
    t->next = next_look(m);
    t->events = json_incref(s->events);

    if (json_array_size(s->open) || json_array_size(s->past)
        || json_array_size(s->waiting) || json_array_size(s->senders))
    {
        t->state = json_pack("{s:O, s:O, s:O, s:O}", "open", s->open,
                             "past", s->past, "waiting", s->waiting,
                             "senders", s->senders);
        s->failed |= t->state == NULL;
    }
}


static void
follow(move_t *m, tlsrpt_transition_t *t)
{
    m->today = tlsrpt_day_of(m->how->now);
    tlsrpt_episodes_read(&m->episodes, m->old);
    follow_old(m);
    follow_new(m, 0);
    follow_new(m, 1);
    follow_further(m);
    tlsrpt_senders_follow(&m->entries, m->evidence, m->problems, m->n, m->old);
    tlsrpt_records_follow(&m->entries, m->evidence);
    keep_past(m);
    tlsrpt_entries_built(&m->entries);
    take(m, t);
}


int
tlsrpt_transition(const tlsrpt_evidence_t *e, tlsrpt_problem_t *const *problems,
    size_t n, const json_t *old, const tlsrpt_follow_t *how,
    tlsrpt_transition_t *t)
{
    int     rc;
    move_t  m = { .evidence = e, .problems = problems, .n = n, .old = old,
                  .how = how };

    memset(t, 0, sizeof(*t));
    m.known = calloc(n + 1, 1);
    rc = tlsrpt_entries_init(&m.entries, e, how);

    if (m.known == NULL || rc != 0) {
        rc = -1;

    } else {
        follow(&m, t);
        rc = m.entries.failed ? -1 : 0;
    }

    if (rc != 0) {
        tlsrpt_transition_free(t);
    }

    tlsrpt_entries_free(&m.entries);
    free(m.known);

    return rc;
}


void
tlsrpt_transition_free(tlsrpt_transition_t *t)
{
    json_decref(t->state);
    json_decref(t->events);
    t->state = NULL;
    t->events = NULL;
}
