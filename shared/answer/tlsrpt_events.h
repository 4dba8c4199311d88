/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A page of events, newest first, merged from the lists of any domains in any
 * order.  Each domain has two, so that nobody who sends reports can push out
 * what people did:
 *
 *     PREFIX:{DOMAIN}:events  list  what reports caused, newest first
 *     PREFIX:{DOMAIN}:acts    list  what people did
 *
 * Both are read a piece at a time, and no further than the page needs.  Events
 * of one second are in the order of their domains, then of their ids.
 */

#ifndef TLSRPT_EVENTS_H
#define TLSRPT_EVENTS_H

#include "tlsrpt_buf.h"
#include "tlsrpt_command.h"
#include "tlsrpt_domain.h"
#include "tlsrpt_key.h"
#include "tlsrpt_reply.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_EVENTS_LISTS  2              /* of a domain */

/* How far the clocks of two hosts may differ, in seconds: a list, and the index
   of domains by their latest event, are in order but for that. */
#define TLSRPT_EVENTS_SKEW   300

typedef struct tlsrpt_events  tlsrpt_events_t;

#define TLSRPT_EVENTS_NEVER  INT64_MAX

/* A list that is being read; all zeroes but for domain and list at first. */
typedef struct {
    char      name[TLSRPT_DOMAIN_LEN];
    size_t    len;
    unsigned  list;                         /* 0: of reports; 1: of people */
    int64_t   since;                        /* what was before is not shown;
                                               _NEVER: nothing is but what is of
                                               the owner's own enrolment */
    size_t    offset;
} tlsrpt_events_part_t;

/* actors: is it shown who did what?  NULL: no memory. */
tlsrpt_events_t *tlsrpt_events_create(size_t limit, int actors) TLSRPT_MUST_USE;
/* It is for this owner, borrowed: who did it is "you", "operator" or not shown.
   Events that are of one owner's enrolment are for this owner alone, where it
   is not shown who did what. */
void tlsrpt_events_of(tlsrpt_events_t *events, tlsrpt_str_t owner);
void tlsrpt_events_destroy(tlsrpt_events_t *events);

/* The page begins after this: "next" of the one before.  0; -1: it is none. */
int tlsrpt_events_after(tlsrpt_events_t *events, tlsrpt_str_t cursor)
    TLSRPT_MUST_USE;

/* The next piece of a list, borrowed until the next call, and its reply: 1: the
   page may need the next piece, too; 0: it does not; -1: no memory.  What is no
   event of this domain is passed over. */
const tlsrpt_command_t *tlsrpt_events_ask(tlsrpt_events_t *events,
    tlsrpt_str_t prefix, const tlsrpt_events_part_t *part);
int tlsrpt_events_add(tlsrpt_events_t *events, tlsrpt_events_part_t *part,
    const tlsrpt_reply_t *reply) TLSRPT_MUST_USE;

/* May the page have an event of this second, or of one before? */
int tlsrpt_events_wants(const tlsrpt_events_t *events, int64_t time);

/* {"domain"?,"events":[...],"next"}; domain: not given for those of many.
   Appends the next part of it, once all is read: 1: there is more; 0: that was
   all; -1: no memory. */
int tlsrpt_events_write(tlsrpt_events_t *events, tlsrpt_str_t domain,
    tlsrpt_buf_t *out) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_EVENTS_H */
