/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tlsrpt_episode.h"
#include "tlsrpt_registry_step.h"
#include "tlsrpt_time.h"


#define LOOK_LATER  (6 * 3600)
#define LOOK_HELD   (30 * TLSRPT_DAY)


void
tlsrpt_change_free(tlsrpt_change_t *change)
{
    tlsrpt_buf_free(&change->json);
    tlsrpt_registry_ops_free(change->ops);
    json_decref(change->events);
    memset(change, 0, sizeof(*change));
}


/*
 * Beginning, and failing
 */

void
tlsrpt_step_no_memory(tlsrpt_registry_step_t *step)
{
    tlsrpt_step_refuse(step, TLSRPT_CHANGE_MEMORY, "", "out of memory");
}


void
tlsrpt_step_refuse(tlsrpt_registry_step_t *step, int status,
    const char *member, const char *fmt, ...)
{
    va_list           args;
    tlsrpt_change_t  *change = step->change;

    if (change->status != TLSRPT_CHANGE_OK) {
        return;
    }

    change->status = status;
    change->member = member;

    va_start(args, fmt);
    vsnprintf(change->text, sizeof(change->text), fmt, args);
    va_end(args);
}


/* The name of who asks, ended by NUL; behind an "@", so that no owner can be
   called "operator". */

static void
set_actor(tlsrpt_registry_step_t *step)
{
    const tlsrpt_change_how_t  *how = step->how;

    if (how->is_operator) {
        step->actor = "operator";
        return;
    }

    snprintf(step->owner, sizeof(step->owner), "@%.*s", (int) how->owner.len,
             how->owner.data);
    step->actor = step->owner;
}


int
tlsrpt_step_begin(tlsrpt_registry_step_t *step, tlsrpt_change_t *change,
    tlsrpt_registry_record_t *record, const tlsrpt_change_how_t *how, int by)
{
    tlsrpt_change_free(change);

    step->change = change;
    step->record = record;
    step->how = how;
    step->actor = NULL;
    step->changed = 0;

    change->member = "";
    change->look = -1;
    change->version = record->version;
    tlsrpt_token_make(how->random + 2 * TLSRPT_TOKEN_BYTES, change->epoch);

    if (record->newer) {
        tlsrpt_step_refuse(step, TLSRPT_CHANGE_NEWER, "",
                           "what is known of the domain was written by a later "
                           "version of this program, which has to change it");
        return -1;
    }

    if (by) {
        set_actor(step);
    }

    change->ops = calloc(1, sizeof(*change->ops));
    change->events = json_array();

    if (change->ops == NULL || change->events == NULL
        || tlsrpt_registry_record_copy(record, how->domain, &change->domain)
           != 0)
    {
        tlsrpt_step_no_memory(step);
        return -1;
    }

    tlsrpt_registry_view(&step->was, record);

    return 0;
}


/*
 * Events
 */

/* The same for the same change, however often it is sent. */

static json_t *
event_id(const tlsrpt_registry_step_t *step, const char *type,
    const tlsrpt_enrolment_t *e)
{
    char          text[48];
    tlsrpt_str_t  parts[] = {
        step->change->domain, { type, strlen(type) }, { text, 0 }, e->token
    };

    parts[2].len = (size_t) snprintf(text, sizeof(text),
                                     "%" PRIu64 " %" PRId64,
                                     step->change->version, step->how->now);

    return tlsrpt_episode_digest(parts, 4);
}


static json_t *
event_json(const tlsrpt_registry_step_t *step, const char *type,
    const tlsrpt_enrolment_t *e, const char *title)
{
    char          time[TLSRPT_TIME_TEXT_LEN + 1];
    json_t       *event;
    tlsrpt_str_t  domain = step->change->domain;

    tlsrpt_time_text(step->how->now, time);

    event = json_pack("{s:o, s:s, s:s, s:s%, s:s}", "id",
                      event_id(step, type, e), "time", time, "type", type,
                      "domain", domain.data, domain.len, "title", title);

    if ((step->actor
         && json_object_set_new(event, "actor", json_string(step->actor)) != 0)
        || (e->state == TLSRPT_PENDING && e->owner.data
            && json_object_set_new(event, "owner", json_stringn(e->owner.data,
                                                             e->owner.len))
               != 0))
    {
        json_decref(event);
        return NULL;
    }

    return event;
}


void
tlsrpt_step_tell(tlsrpt_registry_step_t *step, const char *type,
    const tlsrpt_enrolment_t *e, const char *fmt, ...)
{
    char     title[512];
    va_list  args;

    va_start(args, fmt);
    vsnprintf(title, sizeof(title), fmt, args);
    va_end(args);

    step->changed = 1;

    if (json_array_append_new(step->change->events,
                              event_json(step, type, e, title)) != 0)
    {
        tlsrpt_step_no_memory(step);
    }
}


/*
 * Policies
 */

int64_t
tlsrpt_step_held(const tlsrpt_enrolment_t *e, const tlsrpt_other_t *other,
    int64_t now)
{
    int64_t  held = tlsrpt_enrolment_held(e, now);

    if (e->served && e->same_as.data && other && other->held > held) {
        held = other->held;
    }

    return held;
}


static void
copy(tlsrpt_registry_step_t *step, tlsrpt_str_t text, tlsrpt_str_t *to)
{
    if (text.data == NULL) {
        *to = text;

    } else if (tlsrpt_registry_record_copy(step->record, text, to) != 0) {
        tlsrpt_step_no_memory(step);
    }
}


void
tlsrpt_step_copy_policy(tlsrpt_registry_step_t *step, tlsrpt_enrolment_t *e,
    const tlsrpt_enrolment_t *from)
{
    e->mode = from->mode;
    e->max_age = from->max_age;
    e->nmx = from->nmx;

    for (size_t i = 0; i < e->nmx; i++) {
        copy(step, from->mx[i], &e->mx[i]);
    }

    copy(step, from->same_as, &e->same_as);
    copy(step, from->same_owner, &e->same_owner);
}


/*
 * Who has it
 */

void
tlsrpt_step_drop(tlsrpt_registry_step_t *step, size_t i, const char *type,
    const char *title)
{
    tlsrpt_enrolment_t  *e = tlsrpt_registry_record_take(step->record, i);

    tlsrpt_step_tell(step, type, e, "%s", title);
    step->changed = 1;
    free(e);
}


void
tlsrpt_step_remove(tlsrpt_registry_step_t *step)
{
    free(step->record->holder);
    step->record->holder = NULL;
    step->record->passing = 0;
    step->record->passing_owner = (tlsrpt_str_t) { NULL, 0 };
    step->changed = 1;
}


/* Who takes it over has not said what policy it shall have: that of the former
   holder stays.  What that one followed is followed on only where it is the new
   one's, or the operator's. */

static void
keep_policy(tlsrpt_registry_step_t *step, tlsrpt_enrolment_t *e,
    const tlsrpt_enrolment_t *former, const tlsrpt_other_t *other)
{
    if (former->state == TLSRPT_LEAVING) {
        return;
    }

    if (other && other->holder
        && !tlsrpt_str_equal(other->owner, e->owner) && other->owner.data)
    {
        tlsrpt_step_copy_policy(step, e, other->holder);
    } else {
        tlsrpt_step_copy_policy(step, e, former);
    }
}


/* Those that followed it are the former owner's, or the operator's: they are to
   keep the policy that it had (tlsrpt_change_unfollow), whatever comes now. */

static void
keep_former(tlsrpt_registry_step_t *step)
{
    tlsrpt_registry_record_t  *record = step->record;

    free(record->former);
    record->former = record->holder;
    record->holder = NULL;
}


static void
take_over(tlsrpt_registry_step_t *step, tlsrpt_enrolment_t *e,
    const tlsrpt_other_t *other)
{
    const int64_t         now = step->how->now;
    tlsrpt_enrolment_t   *former = step->record->holder;

    e->held = tlsrpt_step_held(former, other, now);

    if (former->state == TLSRPT_LEAVING && former->ends > e->held) {
        e->held = former->ends;
    }

    if (e->mode == -1 && e->same_as.data == NULL) {
        keep_policy(step, e, former, other);
    }

    tlsrpt_step_tell(step, "domain-transferred", e, "The domain has passed to "
                     "another owner");
    step->change->passed = 1;
    keep_former(step);
    tlsrpt_step_remove(step);
}


void
tlsrpt_step_hold(tlsrpt_registry_step_t *step, size_t i,
    const tlsrpt_other_t *other)
{
    tlsrpt_registry_record_t  *record = step->record;
    tlsrpt_enrolment_t        *e = tlsrpt_registry_record_take(record, i);

    e->state = TLSRPT_ACTIVE;
    e->proved = step->how->now;

    if (record->holder) {
        take_over(step, e, other);
    } else {
        tlsrpt_step_tell(step, "domain-verified", e, "%s", step->actor
                         ? "The operator has vouched for the domain's owner"
                         : "DNS has proved who owns the domain");
    }

    e->served = e->mode != -1 || e->same_as.data ? step->how->now : 0;
    record->holder = e;
    step->change->enrolment = e;
    step->change->look = tlsrpt_step_look(record, step->how->now);
    step->changed = 1;
}


/*
 * Looking in DNS
 */

static int64_t
look_of_pending(const tlsrpt_enrolment_t *e, int64_t now)
{
    static const int64_t  ages[] = { 10, 60, 300, 900, 3600 };

    const int64_t  age = now - e->since;

    for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]); i++) {
        if (age < ages[i]) {
            return e->since + ages[i];
        }
    }

    return now + LOOK_LATER;
}


static void
sooner(int64_t *look, int64_t time)
{
    if (*look == 0 || time < *look) {
        *look = time;
    }
}


int64_t
tlsrpt_step_look(const tlsrpt_registry_record_t *record, int64_t now)
{
    int64_t                    look = 0;
    const tlsrpt_enrolment_t  *e = record->holder;

    if (e != NULL) {
        look = now + (e->unproved ? TLSRPT_DAY : LOOK_HELD);
    }

    /* the others came before, and are looked at as often, or less */
    if (record->npending) {
        sooner(&look, look_of_pending(record->pending[record->npending - 1],
                                      now));
    }

    if (record->passing && record->passing + TLSRPT_DAY > now) {
        sooner(&look, record->passing + TLSRPT_DAY);
    }

    return look;
}


/*
 * The end
 */

static size_t
size_of(const tlsrpt_enrolment_t *e)
{
    size_t  size = 0;

    for (size_t i = 0; i < e->nmx; i++) {
        size += e->mx[i].len;
    }

    for (size_t i = 0; i < e->ncontact; i++) {
        size += e->contact[i].len;
    }

    return size;
}


/* Which of those that wait takes most room, but the one that is being made;
   npending: none. */

static size_t
longest(const tlsrpt_registry_step_t *step)
{
    size_t                           size, most = 0, found;
    const tlsrpt_registry_record_t  *record = step->record;

    found = record->npending;

    for (size_t i = 0; i < record->npending; i++) {
        size = size_of(record->pending[i]);

        if (record->pending[i] != step->change->enrolment && size >= most) {
            most = size;
            found = i;
        }
    }

    return found;
}


/* 0, or -1: no memory. */

static int
write_record(tlsrpt_registry_step_t *step)
{
    size_t         i;
    tlsrpt_buf_t  *json = &step->change->json;

    for ( ;; ) {
        json->len = 0;

        if (tlsrpt_registry_record_write(step->record, json) != 0) {
            return -1;
        }

        i = longest(step);

        if (json->len <= TLSRPT_RECORD_SIZE || i == step->record->npending) {
            return 0;
        }

        tlsrpt_step_drop(step, i, "domain-expired",
                         "DNS has not proved in time who owns the domain: "
                         "enrol it anew");
    }
}


void
tlsrpt_step_end(tlsrpt_registry_step_t *step, int gone)
{
    tlsrpt_change_t  *change = step->change;

    if (change->status != TLSRPT_CHANGE_OK) {
        return;
    }

    if (!step->changed) {
        change->status = TLSRPT_CHANGE_NOTHING;
        return;
    }

    if (!gone && tlsrpt_registry_record_is_empty(step->record)
        && step->record->left == 0)
    {
        step->record->left = step->how->now;
        change->look = 0;
    }

    if (!gone && write_record(step) != 0) {
        tlsrpt_step_no_memory(step);
        return;
    }

    tlsrpt_registry_ops_add(change->ops, change->domain, &step->was,
                            step->record, gone);

    if (change->look != -1) {
        tlsrpt_registry_op(change->ops, (tlsrpt_registry_op_t) {
            .what = change->look ? TLSRPT_OP_ZADD : TLSRPT_OP_ZREM,
            .key = ":looks", .text = change->domain, .number = change->look,
            .has_number = change->look != 0 });
    }

    if (change->ops->failed) {
        tlsrpt_step_no_memory(step);
    }
}
