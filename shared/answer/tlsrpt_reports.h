/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The list of a domain's reports, newest day first.
 */

#ifndef TLSRPT_REPORTS_H
#define TLSRPT_REPORTS_H

#include "tlsrpt_lookup.h"
#include "tlsrpt_query.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_REPORTS_LIMIT      50
#define TLSRPT_REPORTS_MAX_LIMIT  500

typedef struct {
    tlsrpt_query_t  query;                  /* from, to, organization-name */
    unsigned        limit;
    int             failures_only;
    int             struck;                 /* also those that are struck out */
    int             whole;                  /* all of it, whatever the limit
                                               and the cursor are: for CSV */
    int             after;                  /* a cursor was given: */
    int32_t         after_day;
    unsigned        after_index;
} tlsrpt_reports_query_t;

/* The default; then, as of tlsrpt_query_t, each parameter and the check. */
void tlsrpt_reports_query_init(tlsrpt_reports_query_t *query, int64_t now);
int tlsrpt_reports_query_param(tlsrpt_reports_query_t *query,
    tlsrpt_str_t name, tlsrpt_str_t value, tlsrpt_error_t *error)
    TLSRPT_MUST_USE;

/* {"domain","from","to","reports","next"}; NULL: no memory. */
tlsrpt_lookup_t *tlsrpt_reports_create(const tlsrpt_reports_query_t *query,
    tlsrpt_str_t domain, tlsrpt_str_t prefix) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_REPORTS_H */
