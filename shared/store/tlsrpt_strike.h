/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A report, say a forgery, is struck out of a domain: what was counted of it is
 * taken from the day and the totals, of closed months too, and it stays in its
 * list, marked.  Its digest stays known, so it does not come again.  Restoring
 * is the inverse.
 *
 *     while ((command = tlsrpt_strike_next(strike)) != NULL) {
 *         send it, take the reply
 *         tlsrpt_strike_add(strike, reply)
 *     }
 *
 * All of it is written by one script (strike.lua), which does nothing where
 * what was read has changed: then it is read again.  The domain gets into the
 * list of those that are due before that; who has the time works its problems
 * out at once (tlsrpt_reckoning.h).
 */

#ifndef TLSRPT_STRIKE_H
#define TLSRPT_STRIKE_H

#include "tlsrpt_command.h"
#include "tlsrpt_reply.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_ACTOR_OPERATOR  "operator"   /* of events; an owner: "@OWNER" */

enum {
    TLSRPT_STRIKE_UNDONE = 0,               /* Redis failed, there was no
                                               memory, or others always came in
                                               between */
    TLSRPT_STRIKE_DONE,
    TLSRPT_STRIKE_UNKNOWN,                  /* no such report, or it is struck
                                               out (to restore: it is not) */
    TLSRPT_STRIKE_GONE                      /* the original, or what was counted
                                               of it, is kept no more */
};

typedef struct {
    tlsrpt_str_t  prefix;
    tlsrpt_str_t  domain;
    tlsrpt_str_t  id;                       /* of the report, as given */
    tlsrpt_str_t  actor;                    /* who asks for it */
    int           restore;
    int32_t       oldest;                   /* reports of days before are not
                                               known to who asks; 0: all are */
    int64_t       milliseconds;             /* now */
    unsigned char random[16];               /* new for each request: what is
                                               sent twice is done once, what is
                                               asked for twice is not */
    unsigned      retention_days;
} tlsrpt_strike_conf_t;

typedef struct tlsrpt_strike  tlsrpt_strike_t;

/* All is copied.  NULL: no memory. */
tlsrpt_strike_t *tlsrpt_strike_create(const tlsrpt_strike_conf_t *conf)
    TLSRPT_MUST_USE;
void tlsrpt_strike_destroy(tlsrpt_strike_t *strike);

/* Borrowed until the next call; NULL: that was all. */
const tlsrpt_command_t *tlsrpt_strike_next(tlsrpt_strike_t *strike);
void tlsrpt_strike_add(tlsrpt_strike_t *strike, const tlsrpt_reply_t *reply);

/* What came of it: TLSRPT_STRIKE_... */
int tlsrpt_strike_outcome(const tlsrpt_strike_t *strike);

#pragma GCC visibility pop

#endif /* TLSRPT_STRIKE_H */
