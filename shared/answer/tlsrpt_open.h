/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What is open now, over many domains, by result-type and cause: read from the
 * domains' states, in any order.
 *
 * A group has an id, which lasts as long as anything of it is open: the first
 * 16 hex digits of the SHA-256 of its result-type and its cause, a line feed
 * between them.
 */

#ifndef TLSRPT_OPEN_H
#define TLSRPT_OPEN_H

#include "tlsrpt_buf.h"
#include "tlsrpt_reply.h"
#include "tlsrpt_str.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_OPEN_GROUPS  10000           /* further ones are not shown */

typedef struct tlsrpt_open  tlsrpt_open_t;

/* limit: groups on the page.  NULL: no memory. */
tlsrpt_open_t *tlsrpt_open_create(size_t limit) TLSRPT_MUST_USE;
void tlsrpt_open_destroy(tlsrpt_open_t *open);

/* A severity by its name; 0: there is none such.  Only its groups are shown. */
int tlsrpt_open_severity(tlsrpt_str_t name);
void tlsrpt_open_filter(tlsrpt_open_t *open, int severity);

/* The page begins after this: "next" of the one before.  0; -1: it is none. */
int tlsrpt_open_after(tlsrpt_open_t *open, tlsrpt_str_t cursor)
    TLSRPT_MUST_USE;

/* What GET says of the state of a domain, which may come more than once.  0;
   -1: no memory. */
int tlsrpt_open_add(tlsrpt_open_t *open, tlsrpt_str_t domain,
    const tlsrpt_reply_t *reply) TLSRPT_MUST_USE;

/* Appends the next part of the answer, once all states are there: 1: there is
   more; 0: that was all; -1: no memory. */
int tlsrpt_open_write(tlsrpt_open_t *open, tlsrpt_buf_t *out) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_OPEN_H */
