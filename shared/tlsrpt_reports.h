/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The list of a domain's reports, and what it tells of their senders.  Both
 * read the days' lists, newest day first, as tlsrpt_range_next and _add.
 */

#ifndef TLSRPT_REPORTS_H
#define TLSRPT_REPORTS_H

#include "tlsrpt_core.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_REPORTS_LIMIT      50
#define TLSRPT_REPORTS_MAX_LIMIT  500

typedef struct tlsrpt_reports  tlsrpt_reports_t;

typedef struct {
    tlsrpt_query_t  query;                  /* from, to, organization-name */
    unsigned        limit;
    int             failures_only;
    int             after;                  /* a cursor was given: */
    int32_t         after_day;
    int64_t         after_received;
    char            after_id[32];
} tlsrpt_reports_query_t;

/* The default; then, as of tlsrpt_query_t, each parameter and the check. */
void tlsrpt_reports_query_init(tlsrpt_reports_query_t *query, int64_t now);
int tlsrpt_reports_query_param(tlsrpt_reports_query_t *query,
    tlsrpt_str_t name, tlsrpt_str_t value, tlsrpt_error_t *error)
    TLSRPT_MUST_USE;

tlsrpt_reports_t *tlsrpt_reports_create(const tlsrpt_reports_query_t *query,
    tlsrpt_str_t domain, tlsrpt_str_t prefix) TLSRPT_MUST_USE;
void tlsrpt_reports_destroy(tlsrpt_reports_t *reports);
const tlsrpt_command_t *tlsrpt_reports_next(tlsrpt_reports_t *reports,
    size_t *n);
int tlsrpt_reports_add(tlsrpt_reports_t *reports, size_t n,
    const tlsrpt_reply_t *reply) TLSRPT_MUST_USE;
int tlsrpt_reports_seen(const tlsrpt_reports_t *reports);
/* {"domain","from","to","reports","next"} */
json_t *tlsrpt_reports_json(const tlsrpt_reports_t *reports) TLSRPT_MUST_USE;


typedef struct tlsrpt_senders  tlsrpt_senders_t;

tlsrpt_senders_t *tlsrpt_senders_create(const tlsrpt_query_t *query,
    tlsrpt_str_t domain, tlsrpt_str_t prefix) TLSRPT_MUST_USE;
void tlsrpt_senders_destroy(tlsrpt_senders_t *senders);
const tlsrpt_command_t *tlsrpt_senders_next(tlsrpt_senders_t *senders,
    size_t *n);
int tlsrpt_senders_add(tlsrpt_senders_t *senders, size_t n,
    const tlsrpt_reply_t *reply) TLSRPT_MUST_USE;
int tlsrpt_senders_seen(const tlsrpt_senders_t *senders);
/* {"domain","from","to","senders"} */
json_t *tlsrpt_senders_json(tlsrpt_senders_t *senders) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_REPORTS_H */
