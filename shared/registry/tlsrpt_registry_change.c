/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What people do: they enrol a domain, change it, let it leave.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tlsrpt_registry_step.h"
#include "tlsrpt_time.h"


/* So many an owner may withdraw within TLSRPT_WITHDRAWN_SECONDS: each leaves
   something behind. */
#define MAX_GONE    100


void
tlsrpt_other_enrolled(tlsrpt_other_t *other,
    const tlsrpt_registry_record_t *record, int64_t now)
{
    const tlsrpt_enrolment_t  *e = record->holder;

    memset(other, 0, sizeof(*other));

    if (e == NULL) {
        return;
    }

    other->exists = 1;
    other->is_leaving = e->state == TLSRPT_LEAVING;
    other->follows = tlsrpt_enrolment_follows(e);
    other->owner = e->owner;
    other->held = tlsrpt_enrolment_held(e, now);
    other->version = record->version;
    other->holder = e;
}


void
tlsrpt_other_configured(tlsrpt_other_t *other, uint32_t max_age, int64_t now)
{
    memset(other, 0, sizeof(*other));

    other->exists = 1;
    other->is_configured = 1;
    other->held = max_age ? now + max_age : 0;
}


static tlsrpt_str_t
str(const char *text)
{
    return (tlsrpt_str_t) { text, strlen(text) };
}


/* Whose enrolment it is about: data NULL: the operator's. */

static tlsrpt_str_t
owner_of(const tlsrpt_change_how_t *how, const tlsrpt_enrol_body_t *body)
{
    if (!how->is_operator) {
        return how->owner;
    }

    return body && body->owner[0] ? str(body->owner)
                                  : (tlsrpt_str_t) { NULL, 0 };
}


tlsrpt_enrolment_t *
tlsrpt_change_target(const tlsrpt_registry_record_t *record,
    const tlsrpt_change_how_t *how, const tlsrpt_enrol_body_t *body)
{
    if (how->is_operator && record->holder && (!body || !body->owner[0])) {
        return record->holder;
    }

    return tlsrpt_registry_record_find(record, owner_of(how, body));
}


/*
 * PUT: may it be?
 */

static void
check_same_as(tlsrpt_registry_step_t *step, const tlsrpt_enrol_body_t *body,
    const tlsrpt_other_t *next)
{
    const int  is_operator = step->how->is_operator;

    if (tlsrpt_str_is(step->change->domain, body->same_as)) {
        tlsrpt_step_refuse(step, TLSRPT_CHANGE_INVALID, "same-as",
                           "a domain cannot be the same as itself");

    } else if (next == NULL || !next->exists
               || (!is_operator
                   && (next->is_configured
                       || !tlsrpt_str_equal(next->owner, step->how->owner))))
    {
        tlsrpt_step_refuse(step, TLSRPT_CHANGE_INVALID, "same-as",
                           is_operator ? "%s is neither enrolled and proved "
                           "nor configured here" : "%s is no domain of yours "
                           "that is enrolled and proved", body->same_as);

    } else if (next->follows) {
        tlsrpt_step_refuse(step, TLSRPT_CHANGE_INVALID, "same-as",
                           "%s is itself the same as another domain: name that "
                           "one", body->same_as);

    } else if (next->is_leaving) {
        tlsrpt_step_refuse(step, TLSRPT_CHANGE_INVALID, "same-as",
                           "%s is leaving", body->same_as);
    }
}


static void
check_put(tlsrpt_registry_step_t *step, const tlsrpt_enrol_body_t *body,
    const tlsrpt_other_t *next)
{
    const char  *member = tlsrpt_enrol_body_of_operator(body);

    if (member && !step->how->is_operator) {
        tlsrpt_step_refuse(step, TLSRPT_CHANGE_FORBIDDEN, member,
                           "\"%s\" is for the operator alone", member);
        return;
    }

    if (body->same_as[0]) {
        check_same_as(step, body, next);
    }
}


/*
 * PUT: what it sets
 */

static int
has_policy(const tlsrpt_enrolment_t *e, const tlsrpt_enrol_body_t *body)
{
    const mta_sts_policy_t  *policy = &body->policy;

    if (e->mode != policy->mode || e->max_age != policy->max_age
        || e->nmx != policy->nmx
        || (e->same_as.data ? !tlsrpt_str_is(e->same_as, body->same_as)
                            : body->same_as[0] != '\0'))
    {
        return 0;
    }

    for (size_t i = 0; i < e->nmx; i++) {
        if (!tlsrpt_str_is(e->mx[i], policy->mx[i])) {
            return 0;
        }
    }

    return 1;
}


static void
copy(tlsrpt_registry_step_t *step, const char *text, tlsrpt_str_t *to)
{
    if (tlsrpt_registry_record_copy(step->record, str(text), to) != 0) {
        tlsrpt_step_no_memory(step);
    }
}


static void
write_policy(tlsrpt_registry_step_t *step, tlsrpt_enrolment_t *e,
    const tlsrpt_enrol_body_t *body, const tlsrpt_other_t *next)
{
    const mta_sts_policy_t  *policy = &body->policy;

    e->mode = policy->mode;
    e->max_age = policy->max_age;
    e->nmx = policy->nmx;
    e->same_as = (tlsrpt_str_t) { NULL, 0 };
    e->same_owner = (tlsrpt_str_t) { NULL, 0 };

    for (size_t i = 0; i < policy->nmx; i++) {
        copy(step, policy->mx[i], &e->mx[i]);
    }

    if (body->same_as[0]) {
        copy(step, body->same_as, &e->same_as);

        if (next->owner.data
            && tlsrpt_registry_record_copy(step->record, next->owner,
                                           &e->same_owner) != 0)
        {
            tlsrpt_step_no_memory(step);
        }
    }
}


/* The date that leaving ends on moves at each change (RFC 8461 8.3). */

static void
set_policy(tlsrpt_registry_step_t *step, tlsrpt_enrolment_t *e,
    const tlsrpt_enrol_body_t *body, const tlsrpt_other_t *next,
    const tlsrpt_other_t *was)
{
    const int64_t  now = step->how->now;

    if (e->state == TLSRPT_ACTIVE && has_policy(e, body)) {
        return;
    }

    if (e->state != TLSRPT_PENDING) {
        e->held = tlsrpt_step_held(e, was, now);
        e->served = body->policy.mode != -1 || body->same_as[0] ? now : 0;
    }

    if (e->state == TLSRPT_LEAVING) {
        e->state = TLSRPT_ACTIVE;
        e->ends = 0;
        tlsrpt_step_tell(step, "domain-enrolled", e,
                         "The domain stays: its leaving was taken back");

    } else if (!has_policy(e, body) && !step->change->created) {
        tlsrpt_step_tell(step, "policy-changed", e, e->state == TLSRPT_PENDING
                         ? "The policy was changed that will be served once "
                           "the domain is proved" : body->policy.mode == -1
                         && !body->same_as[0] ? "The policy was taken away"
                         : "The policy was changed");
    }

    write_policy(step, e, body, next);
}


/* Of who moves in: the value that DNS shows of him already. */

static void
set_value(tlsrpt_registry_step_t *step, tlsrpt_enrolment_t *e,
    const tlsrpt_enrol_body_t *body)
{
    if (!body->value[0] || tlsrpt_str_is(e->value, body->value)) {
        return;
    }

    for (size_t i = 0; i < step->record->npending; i++) {
        if (tlsrpt_str_is(step->record->pending[i]->value, body->value)) {
            tlsrpt_step_refuse(step, TLSRPT_CHANGE_CONFLICT, "verification",
                               "another enrolment of the domain has this "
                               "value");
            return;
        }
    }

    if (step->record->holder
        && tlsrpt_str_is(step->record->holder->value, body->value))
    {
        tlsrpt_step_refuse(step, TLSRPT_CHANGE_CONFLICT, "verification",
                           "another enrolment of the domain has this value");
        return;
    }

    copy(step, body->value, &e->value);

    if (!step->change->created) {
        tlsrpt_step_tell(step, "records-changed", e, "The domain was given "
                         "another value of _tlsrpt-verify");
    }
}


static void
set_contact(tlsrpt_registry_step_t *step, tlsrpt_enrolment_t *e,
    const tlsrpt_enrol_body_t *body)
{
    int  same = e->ncontact == body->ncontact;

    for (size_t i = 0; same && i < e->ncontact; i++) {
        same = tlsrpt_str_is(e->contact[i], body->contact[i]);
    }

    if (same) {
        return;
    }

    step->changed = 1;
    e->ncontact = body->ncontact;

    for (size_t i = 0; i < e->ncontact; i++) {
        copy(step, body->contact[i], &e->contact[i]);
    }
}


static void
set_token(tlsrpt_registry_step_t *step, tlsrpt_enrolment_t *e,
    const tlsrpt_enrol_body_t *body)
{
    if (!body->token[0] || tlsrpt_str_is(e->token, body->token)) {
        return;
    }

    if (tlsrpt_registry_record_by_token(step->record, str(body->token))) {
        tlsrpt_step_refuse(step, TLSRPT_CHANGE_CONFLICT, "token",
                           "another enrolment of the domain has this token");
        return;
    }

    copy(step, body->token, &e->token);

    if (!step->change->created) {
        tlsrpt_step_tell(step, "records-changed", e, "The domain was given "
                         "another token: its record of TLS reporting is "
                         "another");
    }
}


/* What follows nobody may be followed, and the other way round: policies are
   one step away.  Whoever reads it may count on that, so it must hold while
   others change, too.  Who follows a domain follows its holder: to one that
   waits that is nothing, and it is not to learn of it. */

static void
guard_same_as(tlsrpt_registry_step_t *step, const tlsrpt_enrolment_t *e,
    const tlsrpt_other_t *next)
{
    char                  text[24];
    tlsrpt_registry_op_t  nobody = { .what = TLSRPT_OP_NOBODY,
                                     .key = ":followers:",
                                     .of = step->change->domain };
    tlsrpt_registry_op_t  same = { .what = TLSRPT_OP_SAME, .key = "",
                                   .text = e->same_as };

    if (e->same_as.data == NULL || !step->changed) {
        return;
    }

    if (e->state != TLSRPT_PENDING) {
        tlsrpt_registry_op(step->change->ops, nobody);
    }

    if (!next->is_configured) {
        snprintf(text, sizeof(text), "%llu",
                 (unsigned long long) next->version);
        copy(step, text, &same.value);
        tlsrpt_registry_op(step->change->ops, same);
    }
}


/*
 * PUT: a new one
 */

static void
limit(tlsrpt_registry_step_t *step, const char *key, tlsrpt_str_t owner,
    size_t most, int64_t score)
{
    char                  text[24];
    tlsrpt_registry_op_t  op = { .what = TLSRPT_OP_LIMIT, .key = key,
                                 .of = owner, .number = (int64_t) most,
                                 .has_number = 1 };

    snprintf(text, sizeof(text), "%lld", (long long) score);
    copy(step, text, &op.value);
    tlsrpt_registry_op(step->change->ops, op);
}


static void
make_room(tlsrpt_registry_step_t *step)
{
    while (step->record->npending >= TLSRPT_RECORD_PENDING) {
        /* nothing of how many others there are */
        tlsrpt_step_drop(step, 0, "domain-expired", "DNS has not proved in "
                         "time who owns the domain: enrol it anew");
    }
}


/* NULL: no memory. */

static tlsrpt_enrolment_t *
create(tlsrpt_registry_step_t *step, const tlsrpt_enrol_body_t *body)
{
    char                       value[TLSRPT_TOKEN_LEN + 1];
    char                       token[TLSRPT_TOKEN_LEN + 1];
    tlsrpt_str_t               owner = owner_of(step->how, body);
    tlsrpt_enrolment_t        *e = tlsrpt_enrolment_create();
    tlsrpt_registry_record_t  *record = step->record;

    make_room(step);

    if (e == NULL || tlsrpt_registry_record_add(record, e) != 0) {
        free(e);
        tlsrpt_step_no_memory(step);
        return NULL;
    }

    tlsrpt_token_make(step->how->random, token);
    tlsrpt_token_make(step->how->random + TLSRPT_TOKEN_BYTES, value);

    e->since = step->how->now;
    copy(step, token, &e->token);
    copy(step, value, &e->value);

    if (owner.data != NULL
        && tlsrpt_registry_record_copy(record, owner, &e->owner) != 0)
    {
        tlsrpt_step_no_memory(step);
    }

    record->left = 0;
    record->left_owner = (tlsrpt_str_t) { NULL, 0 };
    step->change->created = 1;
    step->change->look = tlsrpt_step_look(record, step->how->now);

    if (!step->how->is_operator) {
        limit(step, ":gone:", e->owner, MAX_GONE, step->how->now);
    }

    if (!step->how->is_operator && step->how->max) {
        limit(step, ":owner:", e->owner, step->how->max, -1);
    }

    return e;
}


static void
vouch(tlsrpt_registry_step_t *step, const tlsrpt_enrolment_t *e,
    const tlsrpt_other_t *was)
{
    for (size_t i = 0; i < step->record->npending; i++) {
        if (step->record->pending[i] == e) {
            tlsrpt_step_hold(step, i, was);
            return;
        }
    }
}


void
tlsrpt_change_put(tlsrpt_change_t *change, tlsrpt_registry_record_t *record,
    const tlsrpt_change_how_t *how, const tlsrpt_enrol_body_t *body,
    const tlsrpt_other_t *next, const tlsrpt_other_t *was)
{
    tlsrpt_enrolment_t      *e;
    tlsrpt_registry_step_t   step;

    if (tlsrpt_step_begin(&step, change, record, how, 1) != 0) {
        return;
    }

    check_put(&step, body, next);

    if (change->status != TLSRPT_CHANGE_OK) {
        return;
    }

    e = tlsrpt_change_target(record, how, body);

    if (e == NULL) {
        e = create(&step, body);
    }

    if (e == NULL) {
        return;
    }

    change->enrolment = e;
    set_token(&step, e, body);
    set_value(&step, e, body);
    set_policy(&step, e, body, next, was);
    set_contact(&step, e, body);

    if (change->created) {
        tlsrpt_step_tell(&step, "domain-enrolled", e, body->verified
                         ? "The domain was enrolled"
                         : "The domain was enrolled, and waits for proof in "
                           "DNS");
    }

    if (body->verified) {
        vouch(&step, e, was);
    }

    guard_same_as(&step, e, next);
    tlsrpt_step_end(&step, 0);
}


/*
 * DELETE
 */

static void
refuse_followed(tlsrpt_registry_step_t *step, const tlsrpt_str_t *followers,
    size_t n)
{
    char    names[400], more[40] = "";
    size_t  len = 0, i;

    for (i = 0; i < n && len + followers[i].len + 8 < sizeof(names); i++) {
        len += (size_t) snprintf(names + len, sizeof(names) - len, "%s%.*s",
                                 i ? ", " : "", (int) followers[i].len,
                                 followers[i].data);
    }

    names[len] = '\0';

    if (i < n) {
        snprintf(more, sizeof(more), ", and %zu more", n - i);
    }

    tlsrpt_step_refuse(step, TLSRPT_CHANGE_CONFLICT, "",
                       "other domains are the same as this one: %s%s", names,
                       more);
}


static void
leave_holder(tlsrpt_registry_step_t *step, int at_once,
    const tlsrpt_other_t *was)
{
    const int64_t         now = step->how->now;
    tlsrpt_change_t      *change = step->change;
    tlsrpt_enrolment_t   *e = step->record->holder;

    change->until = e->state == TLSRPT_LEAVING ? e->ends
                                               : tlsrpt_step_held(e, was, now);

    tlsrpt_registry_op(change->ops, (tlsrpt_registry_op_t) {
        .what = TLSRPT_OP_NOBODY, .key = ":followers:",
        .of = change->domain });

    if (at_once || change->until <= now) {
        tlsrpt_step_tell(step, "domain-left", e, "The domain has left");
        tlsrpt_step_remove(step);
        change->removed = 1;
        return;
    }

    change->enrolment = e;

    if (e->state == TLSRPT_LEAVING) {
        return;
    }

    e->state = TLSRPT_LEAVING;
    e->ends = change->until;
    e->held = change->until;
    e->served = 0;
    e->mode = -1;
    e->max_age = 0;
    e->nmx = 0;
    e->same_as = (tlsrpt_str_t) { NULL, 0 };
    tlsrpt_step_tell(step, "domain-leaving", e, "The domain is leaving: a "
                     "policy of mode none is served until senders have "
                     "forgotten the former ones (RFC 8461 8.3)");
}


static void
withdraw(tlsrpt_registry_step_t *step, const tlsrpt_enrolment_t *e)
{
    tlsrpt_str_t               owner = e ? e->owner : (tlsrpt_str_t) { 0 };
    tlsrpt_registry_record_t  *record = step->record;

    for (size_t i = record->npending; i-- > 0; ) {
        if (e == NULL || record->pending[i] == e) {
            tlsrpt_step_drop(step, i, "domain-left", "The domain was withdrawn "
                             "before it was proved");
        }
    }

    step->change->removed = 1;

    if (tlsrpt_registry_record_is_empty(record)) {
        record->left_owner = owner;
    }

    /* whether others have the domain or not: who counts is not to learn that */

    if (owner.data) {
        tlsrpt_registry_op(step->change->ops, (tlsrpt_registry_op_t) {
            .what = TLSRPT_OP_KEEP, .key = ":gone:", .of = owner,
            .text = step->change->domain, .has_number = 1,
            .number = step->how->now + TLSRPT_WITHDRAWN_SECONDS });
    }
}


static void
leave(tlsrpt_registry_step_t *step, int at_once, const tlsrpt_other_t *was,
    const tlsrpt_str_t *followers, size_t nfollowers)
{
    const tlsrpt_change_how_t  *how = step->how;
    tlsrpt_enrolment_t         *e = tlsrpt_change_target(step->record, how,
                                                         NULL);

    if (e == NULL && (!how->is_operator || step->record->npending == 0)) {
        tlsrpt_step_refuse(step, TLSRPT_CHANGE_UNKNOWN, "", "no such domain");

    } else if (at_once && !how->is_operator) {
        tlsrpt_step_refuse(step, TLSRPT_CHANGE_FORBIDDEN, "",
                           "\"now\" is for the operator alone");

    } else if (e == NULL || e->state == TLSRPT_PENDING) {
        withdraw(step, how->is_operator ? NULL : e);

    } else if (nfollowers) {
        refuse_followed(step, followers, nfollowers);

    } else {
        leave_holder(step, at_once, was);
    }
}


void
tlsrpt_change_leave(tlsrpt_change_t *change, tlsrpt_registry_record_t *record,
    const tlsrpt_change_how_t *how, int at_once, const tlsrpt_other_t *was,
    const tlsrpt_str_t *followers, size_t nfollowers)
{
    tlsrpt_registry_step_t  step;

    if (tlsrpt_step_begin(&step, change, record, how, 1) != 0) {
        return;
    }

    leave(&step, at_once, was, followers, nfollowers);
    tlsrpt_step_end(&step, 0);
}
