/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What becomes of a domain by what DNS shows, and by time.
 */

#include <stdio.h>

#include "tlsrpt_registry_step.h"
#include "tlsrpt_time.h"


#define TELL_UNPROVED  (30 * TLSRPT_DAY)
#define TIME_TO_PASS   TLSRPT_DAY           /* between the two looks */


/*
 * DNS
 */

static void
look_at_holder(tlsrpt_registry_step_t *step, const tlsrpt_shown_t *shown)
{
    const int64_t         now = step->how->now;
    tlsrpt_enrolment_t   *e = step->record->holder;

    if (tlsrpt_proof_of(e, shown)) {
        step->changed |= e->unproved != 0;
        e->unproved = 0;
        e->told = 0;
        return;
    }

    if (!tlsrpt_proof_is_gone(e, shown)) {
        return;
    }

    if (e->unproved == 0) {
        e->unproved = now;
        step->changed = 1;

    } else if (!e->told && now - e->unproved >= TELL_UNPROVED) {
        e->told = 1;
        tlsrpt_step_tell(step, "domain-unproved", e, "DNS has not shown for 30 "
                         "days who owns the domain: neither _tlsrpt-verify nor "
                         "its report address is there");
    }
}


/* One that waits and whose proof shows: the one that was seen before, else the
   oldest.  npending: there is none. */

static size_t
find_proved(const tlsrpt_registry_record_t *record,
    const tlsrpt_shown_t *shown, unsigned proofs)
{
    size_t  found = record->npending;

    for (size_t i = record->npending; i-- > 0; ) {
        if ((tlsrpt_proof_of(record->pending[i], shown) & proofs) == 0) {
            continue;
        }

        if (record->passing && tlsrpt_str_equal(record->passing_owner,
                                                record->pending[i]->owner))
        {
            return i;
        }

        found = i;
    }

    return found;
}


static void
stop_passing(tlsrpt_registry_step_t *step)
{
    step->changed |= step->record->passing != 0;
    step->record->passing = 0;
    step->record->passing_owner = (tlsrpt_str_t) { NULL, 0 };
}


/* The other's value shows and the holder's proof no more: once more, a day
   later, and the domain passes on.  What is not known changes nothing. */

static void
look_at_passing(tlsrpt_registry_step_t *step, const tlsrpt_shown_t *shown,
    const tlsrpt_other_t *was)
{
    const int64_t              now = step->how->now;
    const size_t               i = find_proved(step->record, shown,
                                               TLSRPT_PROOF_VERIFY);
    tlsrpt_registry_record_t  *record = step->record;

    if (tlsrpt_proof_of(record->holder, shown)
        || (i == record->npending && shown->verify_known))
    {
        stop_passing(step);
        return;
    }

    if (i == record->npending
        || !tlsrpt_proof_is_gone(record->holder, shown))
    {
        return;
    }

    if (record->passing == 0
        || !tlsrpt_str_equal(record->passing_owner, record->pending[i]->owner))
    {
        record->passing = now;
        record->passing_owner = record->pending[i]->owner;
        step->changed = 1;
        return;
    }

    if (now - record->passing >= TIME_TO_PASS) {
        tlsrpt_step_hold(step, i, was);
    }
}


void
tlsrpt_change_looked(tlsrpt_change_t *change, tlsrpt_registry_record_t *record,
    const tlsrpt_change_how_t *how, const tlsrpt_shown_t *shown,
    const tlsrpt_other_t *was)
{
    size_t                  i;
    tlsrpt_registry_step_t  step;

    if (tlsrpt_step_begin(&step, change, record, how, 0) != 0) {
        return;
    }

    if (record->holder) {
        look_at_holder(&step, shown);
        look_at_passing(&step, shown, was);

    } else {
        i = find_proved(record, shown,
                        TLSRPT_PROOF_VERIFY | TLSRPT_PROOF_REPORTING);

        if (i < record->npending) {
            tlsrpt_step_hold(&step, i, NULL);
        }
    }

    change->look = tlsrpt_step_look(record, how->now);
    tlsrpt_step_end(&step, 0);
}


/*
 * Time
 */

static void
end_holder(tlsrpt_registry_step_t *step, const tlsrpt_str_t *pointing, size_t n)
{
    char                  names[400] = "";
    size_t                len = 0;
    tlsrpt_enrolment_t   *e = step->record->holder;

    if (e->state == TLSRPT_LEAVING) {
        if (e->ends > step->how->now) {
            return;
        }

        for (size_t i = 0; i < n && len + pointing[i].len + 3 < sizeof(names);
             i++)
        {
            len += (size_t) snprintf(names + len, sizeof(names) - len,
                                     "%s%.*s", i ? ", " : "",
                                     (int) pointing[i].len, pointing[i].data);
        }

        tlsrpt_step_tell(step, "domain-left", e, n ? "The domain has left; "
                         "these records still lead here: %s"
                         : "The domain has left%s", names);
        tlsrpt_step_remove(step);

    } else if (e->held && e->held <= step->how->now) {
        e->held = 0;
        step->changed = 1;
    }
}


void
tlsrpt_change_expire(tlsrpt_change_t *change, tlsrpt_registry_record_t *record,
    const tlsrpt_change_how_t *how, const tlsrpt_str_t *pointing,
    size_t npointing)
{
    int                     gone = 0;
    tlsrpt_registry_step_t  step;

    if (tlsrpt_step_begin(&step, change, record, how, 0) != 0) {
        return;
    }

    while (record->npending && record->pending[0]->since
                               + TLSRPT_PENDING_SECONDS <= how->now)
    {
        tlsrpt_step_drop(&step, 0, "domain-expired", "DNS has not proved for "
                         "14 days who owns the domain: enrol it anew");
    }

    if (record->holder) {
        end_holder(&step, pointing, npointing);

    } else if (record->left && tlsrpt_registry_ends(record) <= how->now) {
        step.changed = 1;
        gone = 1;
    }

    tlsrpt_step_end(&step, gone);
}


/*
 * What it followed is another's now
 */

static void
unfollow(tlsrpt_registry_step_t *step, tlsrpt_enrolment_t *e,
    tlsrpt_str_t name, const tlsrpt_registry_record_t *other)
{
    const int64_t              now = step->how->now;
    tlsrpt_other_t             was = { 0 };
    const tlsrpt_enrolment_t  *former = other->former;

    if (e->same_as.data == NULL || !tlsrpt_str_equal(e->same_as, name)
        || tlsrpt_enrolment_is_led(e, other->holder))
    {
        return;
    }

    /* it has passed on twice: what it had then is not known any more */

    if (!tlsrpt_enrolment_is_led(e, former)) {
        former = NULL;
    }

    was.held = former ? tlsrpt_enrolment_held(former, now)
                      : now + MTA_STS_MAX_AGE;
    e->held = tlsrpt_step_held(e, &was, now);
    e->same_as = (tlsrpt_str_t) { NULL, 0 };
    step->changed = 1;

    if (former) {
        tlsrpt_step_copy_policy(step, e, former);
    }

    if (e->served) {
        e->served = e->mode != -1 ? now : 0;
    }
}


void
tlsrpt_change_unfollow(tlsrpt_change_t *change,
    tlsrpt_registry_record_t *record, const tlsrpt_change_how_t *how,
    tlsrpt_str_t name, const tlsrpt_registry_record_t *other)
{
    tlsrpt_registry_step_t  step;

    if (tlsrpt_step_begin(&step, change, record, how, 0) != 0) {
        return;
    }

    if (record->holder) {
        unfollow(&step, record->holder, name, other);
    }

    for (size_t i = 0; i < record->npending; i++) {
        unfollow(&step, record->pending[i], name, other);
    }

    tlsrpt_step_end(&step, 0);
}
