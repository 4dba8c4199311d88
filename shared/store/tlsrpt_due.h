/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Domains whose problems are to be worked out, and when: a sorted set
 * PREFIX:due, which does not expire.  The score is a second of Redis's clock;
 * one with a fraction belongs to who claimed the domain.
 *
 *     a report comes      add         (before it is counted: nothing is lost)
 *     a host, at times    claim       reads, works out, writes, then
 *                         release     unless a report has come since
 *
 * A host that dies in between lets the domain become due again, after the
 * seconds that it was held.  Each command is safe to send twice.
 */

#ifndef TLSRPT_DUE_H
#define TLSRPT_DUE_H

#include "tlsrpt_command.h"
#include "tlsrpt_reply.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_DUE_SOON   5                 /* seconds: reports that come in
                                               them are looked at together */
#define TLSRPT_DUE_LATER  86400
#define TLSRPT_DUE_HOLD   60
#define TLSRPT_DUE_MOST   64                /* claimed at a time */

/* In delay seconds, or when it is due already.  All: NULL: no memory. */
tlsrpt_command_t *tlsrpt_due_add(tlsrpt_str_t prefix, tlsrpt_str_t domain,
    unsigned delay) TLSRPT_MUST_USE;

/* What was counted of the domain just now is of the past, as by an import: what
   is worked out next of it is not news.  Only once it has data. */
tlsrpt_command_t *tlsrpt_due_late(tlsrpt_str_t prefix, tlsrpt_str_t domain)
    TLSRPT_MUST_USE;

/* Up to n that are due, none of which anybody else gets for hold seconds. */
tlsrpt_command_t *tlsrpt_due_claim(tlsrpt_str_t prefix, unsigned n,
    unsigned hold) TLSRPT_MUST_USE;

/* The i-th of what a claim replied, borrowed; 0: there are no more. */
int tlsrpt_due_claimed(const tlsrpt_reply_t *reply, size_t i,
    tlsrpt_str_t *domain, tlsrpt_str_t *score);

/* The domain with the score that it was claimed with; next: seconds, or 0: out
   of the list. */
tlsrpt_command_t *tlsrpt_due_release(tlsrpt_str_t prefix, tlsrpt_str_t domain,
    tlsrpt_str_t score, unsigned next) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_DUE_H */
