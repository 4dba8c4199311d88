/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the registry needs by itself, in steps, each a command and its reply:
 * what is over by time goes; events come to their domains' lists, and to
 * alerts; domains that are the same as one that has passed to another owner
 * keep its policy as their own.
 *
 *     while ((command = tlsrpt_registry_upkeep_next(upkeep)) != NULL) {
 *         reply = send(command);
 *         tlsrpt_registry_upkeep_add(upkeep, reply)
 *     }
 *
 * Any host, every second or so.  It may be given up at any time, and be done by
 * several at once.
 */

#ifndef TLSRPT_REGISTRY_UPKEEP_H
#define TLSRPT_REGISTRY_UPKEEP_H

#include "tlsrpt_command.h"
#include "tlsrpt_enrolment.h"
#include "tlsrpt_reply.h"

#pragma GCC visibility push(hidden)

typedef struct tlsrpt_registry_upkeep  tlsrpt_registry_upkeep_t;

/* now: 0: what Redis says, on which hosts agree; random: new each time;
   retention_days: how long events are kept.  NULL: no memory. */
tlsrpt_registry_upkeep_t *tlsrpt_registry_upkeep_create(tlsrpt_str_t prefix,
    int64_t now, unsigned retention_days,
    const unsigned char random[TLSRPT_TOKEN_BYTES]) TLSRPT_MUST_USE;
void tlsrpt_registry_upkeep_destroy(tlsrpt_registry_upkeep_t *upkeep);

/* Borrowed until the next call; NULL: that was all. */
const tlsrpt_command_t *tlsrpt_registry_upkeep_next(
    tlsrpt_registry_upkeep_t *upkeep);

/* The reply to it.  After an error reply, or without memory, there is no
   more. */
void tlsrpt_registry_upkeep_add(tlsrpt_registry_upkeep_t *upkeep,
    const tlsrpt_reply_t *reply);

/* Was there more than is done at a time?  Then the next one is due at once. */
int tlsrpt_registry_upkeep_more(const tlsrpt_registry_upkeep_t *upkeep);

#pragma GCC visibility pop

#endif /* TLSRPT_REGISTRY_UPKEEP_H */
