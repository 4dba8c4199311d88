/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Domains that only a ".NAME" takes, and that have no data yet.  Anybody can
 * invent such names, so they are bounded: a report brings few of them at a
 * time, and all hosts together take so many a minute below one ".NAME".
 *
 *     HINCRBY PREFIX:new:MINUTE NAME 1
 *     EXPIRE PREFIX:new:MINUTE seconds
 *
 * A host has the ingest script ask (tlsrpt_ingest_t: ask_new).  Where it
 * answers TLSRPT_INGEST_NEW, nothing was done: the host counts the name, and
 * sends the script again without asking if it may.  Where it may not, the
 * sender is asked to come again, when those that were stored are new no more.
 */

#ifndef TLSRPT_NEWCOMER_H
#define TLSRPT_NEWCOMER_H

#include "tlsrpt_command.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_NEWCOMERS_OF_REPORT  8       /* at a time */
#define TLSRPT_NEWCOMERS_A_MINUTE   60      /* below one ".NAME" */

/* Counts one; name: without the dot.  Both: NULL: no memory. */
tlsrpt_command_t *tlsrpt_newcomer_count(tlsrpt_str_t prefix, tlsrpt_str_t name,
    int64_t now) TLSRPT_MUST_USE;

/* To be sent after the first one; count: what the HINCRBY answered. */
int tlsrpt_newcomer_keep_due(int64_t count);
tlsrpt_command_t *tlsrpt_newcomer_keep(tlsrpt_str_t prefix, int64_t now)
    TLSRPT_MUST_USE;

/* May it be stored? */
int tlsrpt_newcomer_may(int64_t count);

#pragma GCC visibility pop

#endif /* TLSRPT_NEWCOMER_H */
