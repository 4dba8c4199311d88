/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A domain's state and events, written together, or not at all: commit.lua.
 * Sent twice, it is done once; an event that is among the latest is not added
 * again.
 */

#ifndef TLSRPT_COMMIT_H
#define TLSRPT_COMMIT_H

#include "tlsrpt_command.h"
#include "tlsrpt_str.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_COMMIT_SHA1  40

typedef struct {
    tlsrpt_str_t   prefix;
    tlsrpt_str_t   domain;
    tlsrpt_str_t   was;                     /* the state that was read: SHA-1 in
                                               hex digits; len 0: none */
    tlsrpt_str_t   mark_was;                /* field "p" of the domain's hash;
                                               len 0: none */
    tlsrpt_str_t   late_was;                /* field "l", likewise */
    tlsrpt_str_t   struck_was;              /* field "w", likewise */
    tlsrpt_str_t   state;                   /* as it is kept; len 0: none */
    tlsrpt_str_t   mark;                    /* "RULES OPEN" */
    int64_t        keep;                    /* seconds */
    const json_t  *events;                  /* [{"event","problem"?,...}], the
                                               oldest first, each to be told to
                                               alerts, too */
} tlsrpt_commit_t;

/* Redis answers 0: somebody else was first, nothing is done; else 1 + how many
   events are on their way to alerts.  NULL: no memory. */
tlsrpt_command_t *tlsrpt_commit_command(const tlsrpt_commit_t *commit)
    TLSRPT_MUST_USE;

/* Adds one event alone: its JSON, and its "id".  It is not on its way to
   alerts.  tlsrpt_event_index() comes before it.  NULL: no memory. */
tlsrpt_command_t *tlsrpt_event_add(tlsrpt_str_t prefix, tlsrpt_str_t domain,
    tlsrpt_str_t id, tlsrpt_str_t event, int64_t keep) TLSRPT_MUST_USE;

/* Before an event is added: the domain has one, into PREFIX:events, and into
   PREFIX:untold where it is on its way.  Once more, with a later time, after
   that into PREFIX:untold: who finds nothing on its way takes the domain out.
   Both: NULL: no memory. */
tlsrpt_command_t *tlsrpt_event_index(tlsrpt_str_t prefix, tlsrpt_str_t domain,
    int64_t milliseconds) TLSRPT_MUST_USE;
tlsrpt_command_t *tlsrpt_untold_index(tlsrpt_str_t prefix,
    tlsrpt_str_t domain, int64_t milliseconds) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_COMMIT_H */
