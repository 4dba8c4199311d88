/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What changes of the registry have in common: how they begin and end, what is
 * told of them, and how a domain changes hands.
 */

#ifndef TLSRPT_REGISTRY_STEP_H
#define TLSRPT_REGISTRY_STEP_H

#include "tlsrpt_registry_change.h"
#include "tlsrpt_registry_ops.h"

#pragma GCC visibility push(hidden)

/* A change that is being made. */
typedef struct {
    tlsrpt_change_t            *change;
    tlsrpt_registry_record_t   *record;
    const tlsrpt_change_how_t  *how;
    const char                 *actor;      /* NULL: nobody did it */
    char                        owner[TLSRPT_OWNER_LEN + 2];
    int                         changed;    /* is there anything to write? */
    tlsrpt_registry_view_t      was;
} tlsrpt_registry_step_t;

/* by: does somebody ask, or is it DNS, or time?  0, or -1: the change has its
   status, and no more is done. */
int tlsrpt_step_begin(tlsrpt_registry_step_t *step, tlsrpt_change_t *change,
    tlsrpt_registry_record_t *record, const tlsrpt_change_how_t *how, int by)
    TLSRPT_MUST_USE;
/* It cannot be: what is wrong, of which member of the body ("": none). */
void tlsrpt_step_refuse(tlsrpt_registry_step_t *step, int status,
    const char *member, const char *fmt, ...) TLSRPT_PRINTF(4, 5);
void tlsrpt_step_no_memory(tlsrpt_registry_step_t *step);
/* What is to be written.  gone: the record itself; else, where nothing is left
   of it, a trace is, so that all hear of that. */
void tlsrpt_step_end(tlsrpt_registry_step_t *step, int gone);

/* When DNS is looked at next: soon after a domain is enrolled, then ever less
   often; what is proved monthly, and daily while the proof is gone.  0:
   never. */
int64_t tlsrpt_step_look(const tlsrpt_registry_record_t *record, int64_t now);

/* An event.  e: whose, where it is pending, so that nobody else is told. */
void tlsrpt_step_tell(tlsrpt_registry_step_t *step, const char *type,
    const tlsrpt_enrolment_t *e, const char *fmt, ...) TLSRPT_PRINTF(4, 5);

/* Until when senders may hold what it serves, or served; other: what it is
   same-as, or NULL. */
int64_t tlsrpt_step_held(const tlsrpt_enrolment_t *e,
    const tlsrpt_other_t *other, int64_t now);

/* The policy of one becomes that of the other, of whatever record. */
void tlsrpt_step_copy_policy(tlsrpt_registry_step_t *step,
    tlsrpt_enrolment_t *e, const tlsrpt_enrolment_t *from);

/* The i-th of those that wait becomes the holder.  other: of the same_as of the
   holder so far, NULL: it has none. */
void tlsrpt_step_hold(tlsrpt_registry_step_t *step, size_t i,
    const tlsrpt_other_t *other);
/* The i-th of those that wait goes. */
void tlsrpt_step_drop(tlsrpt_registry_step_t *step, size_t i,
    const char *type, const char *title);
/* The holder goes. */
void tlsrpt_step_remove(tlsrpt_registry_step_t *step);

#pragma GCC visibility pop

#endif /* TLSRPT_REGISTRY_STEP_H */
