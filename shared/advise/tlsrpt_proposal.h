/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A policy made of the mail servers that the last check saw.
 */

#ifndef TLSRPT_PROPOSAL_H
#define TLSRPT_PROPOSAL_H

#include "tlsrpt_seen.h"

#pragma GCC visibility push(hidden)

/* Adds "proposal" ({"mode","max-age","mx","text","id"}, null: none can be
   made), "checked" and "reasons".  seen NULL: no check was there.  0, or -1: no
   memory. */
int tlsrpt_proposal_add(json_t *answer, const tlsrpt_seen_t *seen)
    TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_PROPOSAL_H */
