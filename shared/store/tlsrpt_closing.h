/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Closes the months of a domain that are due (tlsrpt_closed.h): in steps, each
 * a command that reads a slice of what is open, and one that moves it, both of
 * them bounded.
 *
 *     while ((command = tlsrpt_closing_next(closing)) != NULL) {
 *         send it, take the reply, and let others have their turn
 *         tlsrpt_closing_add(closing, reply)
 *     }
 *
 * It may be given up at any time, and be done by several at once: a step is
 * done whole or not at all, and once.
 */

#ifndef TLSRPT_CLOSING_H
#define TLSRPT_CLOSING_H

#include "tlsrpt_command.h"
#include "tlsrpt_reply.h"

#pragma GCC visibility push(hidden)

typedef struct tlsrpt_closing  tlsrpt_closing_t;

/* Is a month due, by what HGETALL says of the domain's hash? */
int tlsrpt_closing_due(const tlsrpt_reply_t *domain, int64_t now);

/* NULL: no memory. */
tlsrpt_closing_t *tlsrpt_closing_create(tlsrpt_str_t prefix,
    tlsrpt_str_t domain, unsigned retention_days, int64_t now)
    TLSRPT_MUST_USE;
void tlsrpt_closing_destroy(tlsrpt_closing_t *closing);

/* Borrowed until the next call; NULL: that was all. */
const tlsrpt_command_t *tlsrpt_closing_next(tlsrpt_closing_t *closing);

/* The reply to it.  After an error reply, or without memory, there is no
   more. */
void tlsrpt_closing_add(tlsrpt_closing_t *closing,
    const tlsrpt_reply_t *reply);

/* How often a month's slice was moved, so far. */
unsigned tlsrpt_closing_moved(const tlsrpt_closing_t *closing);

#pragma GCC visibility pop

#endif /* TLSRPT_CLOSING_H */
