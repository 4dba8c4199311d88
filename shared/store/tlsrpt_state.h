/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The problems of a domain as they are kept, in PREFIX:{DOMAIN}:problems: those
 * that are open, those that were, and those of which it is not certain yet.
 * There is no key where there is nothing of these.
 *
 *     FORMAT RULES "\n"      in decimal digits: how it is written, and by which
 *                            rules it was worked out
 *     JSON                   a frame of zstd (RFC 8878); the dictionary has the
 *                            number of the format (tlsrpt_zstd.h)
 *
 *     {"open": [{"type", "cause", "id", "opened": "YYYY-MM-DD",
 *                "severity": "high|medium|low", "lost": "yes|perhaps|no",
 *                "worsened": "YYYY-MM-DD"?, "unverified": true?,
 *                "problem": {as in BASE/domains/D/problems, "by-day": []}}],
 *      "past": [{"type", "cause", "id", "opened", "ended", "severity",
 *                "lapsed": true?}],
 *      "waiting": [{"type", "cause", "since": SECONDS}],
 *      "senders": [{"id", "day", "on": "YYYY-MM-DD", "gone": true?}]?}
 *
 * type "": not given.  past: the newest first.  senders: those that were told
 * of as new, or as gone, the newest last (tlsrpt_senders_follow.h).
 */

#ifndef TLSRPT_STATE_H
#define TLSRPT_STATE_H

#include "tlsrpt_buf.h"
#include "tlsrpt_key.h"
#include "tlsrpt_reply.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_STATE_RULES    1             /* as in ingest.lua */
#define TLSRPT_MUTED_KEY      ":muted"      /* id of a problem -> the day */
#define TLSRPT_STATE_KEY      ":problems"   /* for tlsrpt_key_domain() */

#define TLSRPT_STATE_OPEN     17            /* at most, of each: the last one
                                               stands for those beyond */
#define TLSRPT_STATE_PAST     64
#define TLSRPT_STATE_WAITING  16
#define TLSRPT_STATE_SENDERS  64
#define TLSRPT_STATE_SIZE     262144        /* bytes of JSON */

typedef struct {
    int       newer;                        /* of later rules or another format:
                                               to be left alone */
    unsigned  rules;                        /* it was worked out by; 0: nothing
                                               is kept */
    json_t   *json;                         /* owned; NULL: nothing is kept, or
                                               newer */
} tlsrpt_state_t;

/* GET of it; borrowed from read. */
const tlsrpt_command_t *tlsrpt_state_get(tlsrpt_key_read_t *read,
    tlsrpt_str_t prefix, tlsrpt_str_t domain);

/* What GET replied.  What cannot be read is as if nothing were kept.  0, or -1:
   no memory. */
int tlsrpt_state_read(const tlsrpt_reply_t *reply, tlsrpt_state_t *state)
    TLSRPT_MUST_USE;
void tlsrpt_state_free(tlsrpt_state_t *state);

/* Appends it as it is kept.  Where it has more than _SIZE bytes of JSON, lists
   within its problems are cut short.  0, or -1: no memory. */
int tlsrpt_state_write(const json_t *json, tlsrpt_buf_t *out) TLSRPT_MUST_USE;

/* The mark of it in the domain's hash, field "p": "RULES OPEN", the rules it
   was worked out by and how many problems are open.  0, or -1: it has none, so
   problems were never worked out, or that cannot be read. */
int tlsrpt_state_mark(const tlsrpt_reply_t *value, unsigned *rules,
    unsigned *open);

/* Of a state that was read, json NULL too: borrowed. */

size_t tlsrpt_state_nopen(const tlsrpt_state_t *state);

/* Of those that are open, the worst by severity, then by mail lost, then by
   failed sessions, then the oldest; NULL: none is. */
const json_t *tlsrpt_state_worst(const tlsrpt_state_t *state);

/* Of an entry, 3 high, 2 medium, 1 low; its problem's title, "" if it has
   none. */
unsigned tlsrpt_state_severity(const json_t *entry);
const char *tlsrpt_state_title(const json_t *entry);

/* The worst that happens to mail by any of those that are open: "yes",
   "perhaps" or "no". */
const char *tlsrpt_state_lost(const tlsrpt_state_t *state);

#pragma GCC visibility pop

#endif /* TLSRPT_STATE_H */
