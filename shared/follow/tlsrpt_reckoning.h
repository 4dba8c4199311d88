/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A domain's problems are worked out anew, and what became of them is kept and
 * told (tlsrpt_due.h says when):
 *
 *     while ((command = tlsrpt_reckoning_next(reckoning)) != NULL) {
 *         send it, take the reply, and let others have their turn
 *         tlsrpt_reckoning_add(reckoning, reply)
 *     }
 *
 * It may be given up at any time, and be done by several at once: what is read
 * is written by one script (commit.lua), which does nothing where somebody
 * else was first.  Then it is read again, a few times.  Whoever comes after one
 * that was given up does what that had not done yet.
 */

#ifndef TLSRPT_RECKONING_H
#define TLSRPT_RECKONING_H

#include "mta_sts_policy.h"
#include "tlsrpt_command.h"
#include "tlsrpt_reply.h"

#pragma GCC visibility push(hidden)

typedef struct tlsrpt_reckoning  tlsrpt_reckoning_t;

/* All is copied.  served: the policy served now; NULL: none.  score: what the
   domain was claimed with; len 0: it was not claimed.  NULL: no memory. */
tlsrpt_reckoning_t *tlsrpt_reckoning_create(tlsrpt_str_t prefix,
    tlsrpt_str_t domain, const mta_sts_policy_t *served,
    unsigned retention_days, int64_t now, tlsrpt_str_t score) TLSRPT_MUST_USE;
void tlsrpt_reckoning_destroy(tlsrpt_reckoning_t *reckoning);

/* Borrowed until the next call; NULL: that was all. */
const tlsrpt_command_t *tlsrpt_reckoning_next(tlsrpt_reckoning_t *reckoning);

/* The reply to it.  After an error reply, or without memory, there is no more:
   the domain becomes due again when it was held long enough. */
void tlsrpt_reckoning_add(tlsrpt_reckoning_t *reckoning,
    const tlsrpt_reply_t *reply);

/* Was the state of later rules, or in another format?  Then nothing was done,
   and who knows them has the next turn. */
int tlsrpt_reckoning_newer(const tlsrpt_reckoning_t *reckoning);

/* How many events came of it. */
unsigned tlsrpt_reckoning_nevents(const tlsrpt_reckoning_t *reckoning);

#pragma GCC visibility pop

#endif /* TLSRPT_RECKONING_H */
