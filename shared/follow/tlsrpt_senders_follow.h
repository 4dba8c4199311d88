/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Who reports on the domain for the first time, and who no longer does: told
 * once, a few of them a day, the others as one.  Where there are verified
 * reports, these alone tell.
 */

#ifndef TLSRPT_SENDERS_FOLLOW_H
#define TLSRPT_SENDERS_FOLLOW_H

#include "tlsrpt_entry.h"

#pragma GCC visibility push(hidden)

/* Adds the events, and what is to be known of them next time to
   entries->senders.  old: the state that was read; NULL: none is kept.

       {"id", "day", "on", "gone"?}

   id: a digest of the sender's name, or "" for all those beyond the bound; day:
   of its first report, or, gone, of its last one; on: the day on which it was
   told.  Whoever came, or fell silent, until a day on which there were too many
   is not told one by one later. */
void tlsrpt_senders_follow(tlsrpt_entries_t *entries,
    const tlsrpt_evidence_t *evidence, tlsrpt_problem_t *const *problems,
    size_t n, const json_t *old);

#pragma GCC visibility pop

#endif /* TLSRPT_SENDERS_FOLLOW_H */
