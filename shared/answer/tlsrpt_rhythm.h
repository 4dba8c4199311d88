/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Did reports stop?  One rule for a domain and for a sender, for the list of
 * domains and for the problems of one.
 */

#ifndef TLSRPT_RHYTHM_H
#define TLSRPT_RHYTHM_H

#include "tlsrpt_str.h"

#pragma GCC visibility push(hidden)

/* Reports on a day come on the next one, and some senders are days late: so
   many days without a report are none too many. */
#define TLSRPT_SILENT_DAYS  4

/* reported: of n days, today the last, which have reports (1) or none.  Silent
   is who has not reported for at least TLSRPT_SILENT_DAYS, and for more than
   twice the longest time between two reports before, so that who has mail on
   weekdays only is not silent on Mondays.  last: 1 + the last day with a
   report, 0: none. */
int tlsrpt_rhythm_is_silent(const unsigned char *reported, size_t n,
    size_t *last);

#pragma GCC visibility pop

#endif /* TLSRPT_RHYTHM_H */
