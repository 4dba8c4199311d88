/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Events of the registry, on their way to their domains' lists.  A change and
 * its events are written together, to PREFIX:{registry}:untold; a domain's own
 * keys are in another slot.  So any host, now and then, and soon after it has
 * written:
 *
 *     tlsrpt_registry_untold      the oldest few
 *     tlsrpt_act_read             each of them
 *     tlsrpt_event_index, tlsrpt_untold_index
 *     tlsrpt_act_add              to PREFIX:{DOMAIN}:acts, and for alerts
 *     tlsrpt_untold_index
 *     tlsrpt_act_drop             when all of these are done
 *
 * Two hosts may do it at once.
 */

#ifndef TLSRPT_REGISTRY_ACTS_H
#define TLSRPT_REGISTRY_ACTS_H

#include "tlsrpt_command.h"
#include "tlsrpt_domain.h"
#include "tlsrpt_str.h"

#pragma GCC visibility push(hidden)

typedef struct {
    tlsrpt_str_t   text;                    /* as it was read, borrowed */
    char           domain[TLSRPT_DOMAIN_LEN + 1];
    json_t        *event;                   /* owned: json_decref */
} tlsrpt_act_t;

/* An element of the list: 0; -1: it is no event, and to be dropped, or there is
   no memory. */
int tlsrpt_act_read(const char *text, size_t len, tlsrpt_act_t *act)
    TLSRPT_MUST_USE;

/* {"id","time","type","domain","title","actor"?,"owner"?}: actor: "operator" or
   "@OWNER"; owner: of a pending enrolment, of which nobody else is told.  Those
   of a change come with it. */

/* Adds it to its domain's list of what people did, once: keep: seconds.  Where
   it tells that the domain is an owner's from now on, what was counted before
   is noted (tlsrpt_totals.h).  NULL: no memory; below, too. */
tlsrpt_command_t *tlsrpt_act_add(tlsrpt_str_t prefix, const tlsrpt_act_t *act,
    int64_t keep) TLSRPT_MUST_USE;
/* Takes it, as it was read, from those that are to be drained. */
tlsrpt_command_t *tlsrpt_act_drop(tlsrpt_str_t prefix, tlsrpt_str_t text)
    TLSRPT_MUST_USE;

/* An event that comes of no change of the registry (mute, striking out): owned;
   its id is of domain, type, time and what: a text that makes it the same when
   it is made twice.  actor: data NULL: none. */
json_t *tlsrpt_act_create(tlsrpt_str_t domain, int64_t time, const char *type,
    const char *title, tlsrpt_str_t actor, tlsrpt_str_t what) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_REGISTRY_ACTS_H */
