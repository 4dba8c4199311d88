/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the last checks of many domains saw, as metrics: how old the oldest is,
 * how many looks had which result, and when certificates end.
 *
 * Of the names that others chose only hosts become labels, and only what a host
 * may be named.
 */

#ifndef TLSRPT_METRICS_CHECKS_H
#define TLSRPT_METRICS_CHECKS_H

#include "tlsrpt_metrics.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_METRICS_HOSTS  10000         /* with a certificate; at most */

typedef struct tlsrpt_metrics_checks  tlsrpt_metrics_checks_t;

/* NULL: no memory. */
tlsrpt_metrics_checks_t *tlsrpt_metrics_checks_create(void) TLSRPT_MUST_USE;
void tlsrpt_metrics_checks_destroy(tlsrpt_metrics_checks_t *checks);

/* What GET of TLSRPT_SEEN_KEY of a domain replied; a look that is days old
   counts for its age alone.  0, or -1: no memory. */
int tlsrpt_metrics_checks_add(tlsrpt_metrics_checks_t *checks,
    tlsrpt_str_t domain, const tlsrpt_reply_t *reply, int64_t now)
    TLSRPT_MUST_USE;

/* All of it; nothing, where nothing was checked. */
void tlsrpt_metrics_checks_end(const tlsrpt_metrics_checks_t *checks,
    tlsrpt_metrics_t *metrics, int64_t now);

#pragma GCC visibility pop

#endif /* TLSRPT_METRICS_CHECKS_H */
