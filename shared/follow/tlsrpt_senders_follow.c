/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <string.h>

#include "tlsrpt_contacts.h"
#include "tlsrpt_episode.h"
#include "tlsrpt_senders_follow.h"
#include "tlsrpt_state.h"
#include "tlsrpt_time.h"
#include "tlsrpt_words.h"


/* New is whose first report is of so many days ago at most, ... */
#define NEW_DAYS    3
/* ... in a domain that was reported on for so many days before. */
#define KNOWN_DAYS  14
/* Of each kind; those beyond are one event. */
#define MAX_A_DAY   4
/* For so long it is known who was told of: senders with little mail report now
   and then. */
#define KEPT_DAYS   90

#define DAY_SIZE    (TLSRPT_DAY_TEXT_LEN + 1)

enum { NEW = 0, GONE, KINDS };

static const struct {
    const char  *event;
    const char  *title;
    const char  *title_of_further;
} kinds[KINDS] = {
    { "sender-new",  "new",  "further-new" },
    { "sender-gone", "gone", "further-gone" }
};

typedef struct {
    tlsrpt_entries_t         *entries;
    const tlsrpt_evidence_t  *evidence;
    size_t                    told[KINDS];      /* today, one by one */
    size_t                    further[KINDS];   /* now, beyond the bound */
} senders_t;


/*
 * What is known
 */

static const char *
text_of(const json_t *entry, const char *name)
{
    const char  *text = json_string_value(json_object_get(entry, name));

    return text != NULL ? text : "";
}


static int
kind_of(const json_t *entry)
{
    return json_object_get(entry, "gone") != NULL ? GONE : NEW;
}


/* A day is not over at the same time on all hosts. */

static int
is_kept(const json_t *entry, int32_t today)
{
    int32_t      day, on;
    const char  *texts[2] = { text_of(entry, "day"), text_of(entry, "on") };

    return json_is_string(json_object_get(entry, "id"))
           && tlsrpt_day_parse(texts[0], strlen(texts[0]), &day) == 0
           && tlsrpt_day_parse(texts[1], strlen(texts[1]), &on) == 0
           && on <= today + 1 && today - on <= KEPT_DAYS;
}


static void
keep_known(senders_t *s, const json_t *old)
{
    size_t         i;
    json_t        *entry;
    const int32_t  today = tlsrpt_day_of(s->entries->how->now);

    json_array_foreach(json_object_get(old, "senders"), i, entry) {
        if (!is_kept(entry, today)) {
            continue;
        }

        tlsrpt_entries_append(s->entries, s->entries->senders,
                              json_incref(entry));

        if (*text_of(entry, "id")
            && strcmp(text_of(entry, "on"), s->entries->day) == 0)
        {
            s->told[kind_of(entry)]++;
        }
    }
}


/* Was it told of the sender, or of those beyond the bound, that came, or went,
   on the day? */

static int
is_told(const json_t *entry, int kind, const char *id, const char *day)
{
    const int    was = kind_of(entry);
    const int    is_later = strcmp(day, text_of(entry, "day")) > 0;
    const char  *of = text_of(entry, "id");

    if (*of == '\0') {
        return was == kind && !is_later;
    }

    /* who was new is so once; who was gone may be back, and gone again */

    return strcmp(of, id) == 0 && (was == NEW ? kind == NEW : !is_later);
}


static int
is_known(const senders_t *s, int kind, const char *id, const char *day)
{
    size_t   i;
    json_t  *entry;

    json_array_foreach(s->entries->senders, i, entry) {
        if (is_told(entry, kind, id, day)) {
            return 1;
        }
    }

    return 0;
}


/* What was told of it before. */

static void
forget(senders_t *s, const char *id, int kind)
{
    size_t   i;
    json_t  *entry, *list = s->entries->senders;

    json_array_foreach(list, i, entry) {
        if (strcmp(text_of(entry, "id"), id) == 0
            && (*id || kind_of(entry) == kind))
        {
            json_array_remove(list, i);
            return;
        }
    }

    if (json_array_size(list) == TLSRPT_STATE_SENDERS) {
        json_array_remove(list, 0);
    }
}


static void
remember(senders_t *s, int kind, const char *id, const char *day)
{
    json_t  *entry = json_pack("{s:s, s:s, s:s}", "id", id, "day", day,
                               "on", s->entries->day);

    if (kind == GONE && json_object_set_new(entry, "gone", json_true()) != 0) {
        s->entries->failed = 1;
    }

    forget(s, id, kind);
    tlsrpt_entries_append(s->entries, s->entries->senders, entry);
}


/*
 * Telling
 */

static json_t *
title_json(const tlsrpt_names_t *names, const char *name)
{
    tlsrpt_words_t  w;

    w.len = 0;
    tlsrpt_say(&w, names, tlsrpt_text("senders", name));
    tlsrpt_say_no_more(&w);

    return tlsrpt_words_json(&w);
}


static void
tell(senders_t *s, int kind, const char *id, const char *day,
    tlsrpt_str_t sender)
{
    tlsrpt_names_t  names;

    names.n = 0;
    names.len = 0;
    tlsrpt_name(&names, "sender", sender);
    remember(s, kind, id, day);
    s->told[kind]++;
    tlsrpt_entries_tell(s->entries, kinds[kind].event,
                        (tlsrpt_str_t) { id, strlen(id) }, day,
                        title_json(&names, kinds[kind].title));
}


static void
tell_further(senders_t *s, int kind)
{
    tlsrpt_names_t  names;
    tlsrpt_str_t    none = { NULL, 0 };

    names.n = 0;
    names.len = 0;
    tlsrpt_name_made(&names, "count", "%zu", s->further[kind]);
    remember(s, kind, "", s->entries->day);
    tlsrpt_entries_tell(s->entries, kinds[kind].event, none, s->entries->day,
                        title_json(&names, kinds[kind].title_of_further));
}


/* The sender that came, or went, on the day. */

static void
add(senders_t *s, int kind, const tlsrpt_sender_t *sender, size_t day)
{
    char          text[DAY_SIZE];
    json_t       *id;
    tlsrpt_str_t  name = sender->name;

    tlsrpt_day_text(s->evidence->scan.from + (int32_t) day, text);
    id = tlsrpt_episode_digest(&name, 1);

    if (id == NULL) {
        s->entries->failed = 1;

    } else if (!is_known(s, kind, json_string_value(id), text)) {

        if (s->told[kind] < MAX_A_DAY) {
            tell(s, kind, json_string_value(id), text, name);

        } else {
            s->further[kind]++;
        }
    }

    json_decref(id);
}


/*
 * Who it is
 */

/* The first day on which anybody reported; how many days there are: nobody
   did. */

static size_t
first_of_all(const tlsrpt_evidence_t *e)
{
    size_t  first = e->nknown;

    for (size_t i = 0; i < e->nsenders; i++) {
        const size_t  day = tlsrpt_evidence_first(e, &e->senders[i],
                                                  e->verified);

        first = day > 0 && day - 1 < first ? day - 1 : first;
    }

    return first;
}


/* Of more senders than are told apart it is not known which are new. */

static void
follow_new(senders_t *s)
{
    const tlsrpt_evidence_t  *e = s->evidence;
    const size_t              since = first_of_all(e) + KNOWN_DAYS;

    if (e->nsenders == TLSRPT_MAX_SENDERS) {
        return;
    }

    for (size_t i = 0; i < e->nsenders; i++) {
        const size_t  first = tlsrpt_evidence_first(e, &e->senders[i],
                                                    e->verified);

        if (first > since && first + NEW_DAYS >= e->nknown) {
            add(s, NEW, &e->senders[i], first - 1);
        }
    }
}


/* NULL: the problem is not the silence of one sender. */

static const tlsrpt_sender_t *
silent_sender(const senders_t *s, const tlsrpt_problem_t *p)
{
    json_t                 *cause;
    tlsrpt_str_t            name;
    const tlsrpt_sender_t  *sender = NULL;

    if (!tlsrpt_problem_is_silence(p) || tlsrpt_problem_is_over(p)
        || tlsrpt_entries_is_unverified(s->entries, p->by_signed))
    {
        return NULL;
    }

    cause = tlsrpt_episode_cause(s->evidence, p);
    name = (tlsrpt_str_t) { json_string_value(cause),
                            json_string_length(cause) };
    s->entries->failed |= cause == NULL;

    if (name.data != NULL && tlsrpt_str_begins(name, TLSRPT_CAUSE_SENDER)) {
        name.data += strlen(TLSRPT_CAUSE_SENDER);
        name.len -= strlen(TLSRPT_CAUSE_SENDER);
        sender = tlsrpt_contacts_sender(s->evidence, name);
    }

    json_decref(cause);

    return sender;
}


static void
follow_gone(senders_t *s, tlsrpt_problem_t *const *problems, size_t n)
{
    size_t                    last;
    const tlsrpt_evidence_t  *e = s->evidence;

    for (size_t i = 0; i < n; i++) {
        const tlsrpt_sender_t  *sender = silent_sender(s, problems[i]);

        last = sender ? tlsrpt_evidence_last(e, sender, e->verified) : 0;

        if (last > 0) {
            add(s, GONE, sender, last - 1);
        }
    }
}


void
tlsrpt_senders_follow(tlsrpt_entries_t *entries, const tlsrpt_evidence_t *e,
    tlsrpt_problem_t *const *problems, size_t n, const json_t *old)
{
    senders_t  s = { .entries = entries, .evidence = e };

    keep_known(&s, old);
    follow_new(&s);
    follow_gone(&s, problems, n);

    for (int kind = 0; kind < KINDS; kind++) {
        if (s.further[kind] > 0) {
            tell_further(&s, kind);
        }
    }
}
