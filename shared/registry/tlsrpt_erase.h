/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Erases what was counted and kept of a domain, in steps, each a command and
 * its reply:
 *
 *     while ((command = tlsrpt_erase_next(erase)) != NULL) {
 *         reply = send(command);
 *         tlsrpt_erase_add(erase, reply)
 *     }
 *
 * It may be given up at any time, and be done again.  What people did stays, as
 * does what is on its way to alerts; both expire.  A report that comes
 * meanwhile may stay, too.
 */

#ifndef TLSRPT_ERASE_H
#define TLSRPT_ERASE_H

#include "tlsrpt_command.h"
#include "tlsrpt_reply.h"

#pragma GCC visibility push(hidden)

typedef struct tlsrpt_erase  tlsrpt_erase_t;

/* since: a day; what is older is another's, and stays: 0: all goes.  Then also
   what is not of one day stays: totals of all time; the month of that day, if
   it is closed.  Where there is nothing older, all goes.  NULL: no memory. */
tlsrpt_erase_t *tlsrpt_erase_create(tlsrpt_str_t prefix, tlsrpt_str_t domain,
    unsigned retention_days, int64_t now, int32_t since) TLSRPT_MUST_USE;
void tlsrpt_erase_destroy(tlsrpt_erase_t *erase);

/* Borrowed until the next call; NULL: that was all. */
const tlsrpt_command_t *tlsrpt_erase_next(tlsrpt_erase_t *erase);

/* The reply to it.  After an error reply, or without memory, there is no
   more: tlsrpt_erase_failed(). */
void tlsrpt_erase_add(tlsrpt_erase_t *erase, const tlsrpt_reply_t *reply);
int tlsrpt_erase_failed(const tlsrpt_erase_t *erase);

#pragma GCC visibility pop

#endif /* TLSRPT_ERASE_H */
