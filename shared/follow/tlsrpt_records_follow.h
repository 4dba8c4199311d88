/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Records that checks saw change: told once, by one event for all of a look.
 */

#ifndef TLSRPT_RECORDS_FOLLOW_H
#define TLSRPT_RECORDS_FOLLOW_H

#include "tlsrpt_entry.h"

#pragma GCC visibility push(hidden)

/* What was told before comes again with the same id, and is not told again
   (commit.lua). */
void tlsrpt_records_follow(tlsrpt_entries_t *entries,
    const tlsrpt_evidence_t *evidence);

#pragma GCC visibility pop

#endif /* TLSRPT_RECORDS_FOLLOW_H */
