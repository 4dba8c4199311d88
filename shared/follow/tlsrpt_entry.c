/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <string.h>

#include "tlsrpt_entry.h"
#include "tlsrpt_episode.h"
#include "tlsrpt_time.h"


int
tlsrpt_entries_init(tlsrpt_entries_t *s, const tlsrpt_evidence_t *e,
    const tlsrpt_follow_t *how)
{
    memset(s, 0, sizeof(*s));
    s->domain = e->scan.domain;
    s->verified = e->verified;
    s->how = how;
    tlsrpt_day_text(tlsrpt_day_of(how->now), s->day);
    s->open = json_array();
    s->past = json_array();
    s->waiting = json_array();
    s->senders = json_array();
    s->events = json_array();

    return s->open != NULL && s->past != NULL && s->waiting != NULL
           && s->senders != NULL && s->events != NULL ? 0 : -1;
}


void
tlsrpt_entries_free(tlsrpt_entries_t *s)
{
    json_decref(s->open);
    json_decref(s->past);
    json_decref(s->waiting);
    json_decref(s->senders);
    json_decref(s->events);
}


/* Whatever fails for want of memory is noted, once. */

void
tlsrpt_entries_append(tlsrpt_entries_t *s, json_t *array, json_t *value)
{
    s->failed |= json_array_append_new(array, value) != 0;
}


static void
set(tlsrpt_entries_t *s, json_t *object, const char *name, json_t *value)
{
    s->failed |= json_object_set_new(object, name, value) != 0;
}


static const char *
text_of(const json_t *object, const char *name)
{
    const char  *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}


static tlsrpt_str_t
value_of(const json_t *string)
{
    tlsrpt_str_t  s = { json_string_value(string), json_string_length(string) };

    return s;
}


static json_t *
day_json(int32_t day)
{
    char  text[TLSRPT_DAY_TEXT_LEN + 1];

    tlsrpt_day_text(day, text);

    return json_string(text);
}


int
tlsrpt_entries_is_unverified(const tlsrpt_entries_t *s,
    tlsrpt_severity_t by_signed)
{
    return s->verified && by_signed < TLSRPT_SEVERITY_MEDIUM;
}


/*
 * Events
 */

static json_t *
event_json(const tlsrpt_entries_t *s, const char *type, const char *title,
    tlsrpt_str_t what, const char *day)
{
    char           time[TLSRPT_TIME_TEXT_LEN + 1];
    tlsrpt_str_t   domain = s->domain;
    tlsrpt_str_t   parts[] = { domain, what, { type, strlen(type) },
                               { day, strlen(day) } };

    tlsrpt_time_text(s->how->now, time);

    return json_pack("{s:o, s:s, s:s, s:s%, s:s}", "id",
                     tlsrpt_episode_digest(parts, 4), "time", time,
                     "type", type, "domain", domain.data, domain.len,
                     "title", title);
}


/* What became of the problem of an entry.  problem: as it is told, borrowed. */

static void
tell(tlsrpt_entries_t *s, const char *type, const json_t *entry,
    json_t *problem, int unverified, int late)
{
    json_t  *event, *told;

    if (s->how->quiet) {
        return;
    }

    event = event_json(s, type, text_of(problem, "title"),
                       value_of(json_object_get(entry, "id")), s->day);
    set(s, event, "problem-id", json_incref(json_object_get(entry, "id")));

    if (late || s->how->late) {
        set(s, event, "late", json_true());
    }

    told = json_pack("{s:o, s:O}", "event", event, "problem", problem);

    if (unverified) {
        set(s, told, "unverified", json_true());
    }

    tlsrpt_entries_append(s, s->events, told);
}


void
tlsrpt_entries_tell(tlsrpt_entries_t *s, const char *type, tlsrpt_str_t what,
    const char *day, json_t *title)
{
    if (!s->how->quiet) {
        tlsrpt_entries_append(s, s->events,
            json_pack("{s:o}", "event",
                      event_json(s, type, json_string_value(title), what,
                                 day)));
    }

    s->failed |= title == NULL;
    json_decref(title);
}


void
tlsrpt_entries_built(tlsrpt_entries_t *s)
{
    const tlsrpt_str_t  none = { NULL, 0 };

    if (s->how->quiet && (s->ended || json_array_size(s->open))) {
        tlsrpt_entries_append(s, s->events,
            json_pack("{s:o}", "event",
                      event_json(s, "state-built",
                                 "Problems were worked out anew", none,
                                 s->day)));
    }
}


/*
 * The entry of an open problem
 */

static unsigned
severity_rank(const char *name)
{
    return strcmp(name, "high") == 0 ? 3 : strcmp(name, "medium") == 0 ? 2 : 1;
}


static const char *const  lost_names[] = { "no", "perhaps", "yes" };

static unsigned
lost_rank(const char *name)
{
    return strcmp(name, "yes") == 0 ? TLSRPT_LOST_YES
           : strcmp(name, "perhaps") == 0 ? TLSRPT_LOST_PERHAPS
           : TLSRPT_LOST_NO;
}


void
tlsrpt_entries_open(tlsrpt_entries_t *s, tlsrpt_opening_t o, tlsrpt_verdict_t v)
{
    const int     unverified = tlsrpt_entries_is_unverified(s, v.by_signed);
    json_t       *day = day_json(o.opened);
    tlsrpt_str_t  parts[] = { s->domain, value_of(o.type), value_of(o.cause),
                              value_of(day) };
    json_t       *id = tlsrpt_episode_digest(parts, 4), *entry;

    set(s, v.problem, "id", json_incref(id));
    entry = json_pack("{s:o, s:o, s:o, s:o, s:s, s:s, s:O}", "type", o.type,
                      "cause", o.cause, "id", id, "opened", day,
                      "severity", tlsrpt_severity_name(v.severity),
                      "lost", lost_names[v.lost], "problem", v.problem);

    if (unverified) {
        set(s, entry, "unverified", json_true());
    }

    tell(s, "problem-opened", entry, v.problem, unverified, o.late);
    json_decref(v.problem);
    tlsrpt_entries_append(s, s->open, entry);
}


/* Once a day at most: what gets worse again is told the next day. */

static int
may_worsen(const tlsrpt_entries_t *s, const json_t *entry)
{
    return s->how->quiet || strcmp(text_of(entry, "worsened"), s->day) != 0;
}


/* The entry as it is now, and what is worth telling of that: its severity
   rises, mail begins to be lost, or what nobody had signed is signed. */

void
tlsrpt_entries_update(tlsrpt_entries_t *s, const json_t *old,
    tlsrpt_verdict_t v)
{
    json_t     *entry = json_copy((json_t *) old);
    const int   unverified = tlsrpt_entries_is_unverified(s, v.by_signed);
    const int   is_signed = json_object_get(old, "unverified") && !unverified;
    const int   is_worse = severity_rank(text_of(old, "severity"))
                           < (unsigned) v.severity + 1
                           || lost_rank(text_of(old, "lost"))
                              < (unsigned) v.lost;

    set(s, v.problem, "id", json_incref(json_object_get(old, "id")));
    set(s, entry, "problem", json_incref(v.problem));

    if (!(is_worse || is_signed) || may_worsen(s, old)) {
        set(s, entry, "severity",
            json_string(tlsrpt_severity_name(v.severity)));
        set(s, entry, "lost", json_string(lost_names[v.lost]));

        if (is_signed) {
            json_object_del(entry, "unverified");
        }

        if ((is_worse || is_signed) && !s->how->quiet) {
            set(s, entry, "worsened", json_string(s->day));
            tell(s, "problem-worsened", entry, v.problem, unverified, 0);
        }
    }

    json_decref(v.problem);
    tlsrpt_entries_append(s, s->open, entry);
}


void
tlsrpt_entries_keep(tlsrpt_entries_t *s, const json_t *old)
{
    tlsrpt_entries_append(s, s->open, json_incref((json_t *) old));
}


/* problem: as it was last, borrowed. */

static void
tell_end(tlsrpt_entries_t *s, const char *type, const json_t *old,
    const json_t *problem)
{
    json_t  *told = json_copy((json_t *) problem);

    s->ended = 1;
    set(s, told, "ongoing", json_false());
    set(s, told, "id", json_incref(json_object_get(old, "id")));
    tell(s, type, old, told, json_object_get(old, "unverified") != NULL, 0);
    json_decref(told);
}


void
tlsrpt_entries_end(tlsrpt_entries_t *s, const json_t *old,
    const json_t *problem, const char *ended, int lapsed)
{
    json_t  *entry;

    tell_end(s, lapsed ? "problem-lapsed" : "problem-resolved", old, problem);

    entry = json_pack("{s:O, s:O, s:O, s:O, s:s, s:O}",
                      "type", json_object_get(old, "type"),
                      "cause", json_object_get(old, "cause"),
                      "id", json_object_get(old, "id"),
                      "opened", json_object_get(old, "opened"),
                      "ended", ended,
                      "severity", json_object_get(old, "severity"));

    if (lapsed) {
        set(s, entry, "lapsed", json_true());
    }

    tlsrpt_entries_append(s, s->past, entry);
}


void
tlsrpt_entries_withdraw(tlsrpt_entries_t *s, const json_t *old)
{
    tell_end(s, "problem-withdrawn", old, json_object_get(old, "problem"));
}


unsigned
tlsrpt_entries_worst(const tlsrpt_entries_t *s)
{
    size_t    i;
    json_t   *entry;
    unsigned  worst = 0;

    json_array_foreach(s->open, i, entry) {
        const unsigned  rank = severity_rank(text_of(entry, "severity"));

        worst = rank > worst ? rank : worst;
    }

    return worst;
}
