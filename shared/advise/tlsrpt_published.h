/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What is to be published, beside what the last check saw of it.
 */

#ifndef TLSRPT_PUBLISHED_H
#define TLSRPT_PUBLISHED_H

#include "tlsrpt_finding.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_VERDICT_REASON  512

/* state: "published", "missing", "different", "several", "unknown". */
typedef struct {
    const char  *state;
    char         reason[TLSRPT_VERDICT_REASON];     /* "": nothing to say */
    json_t      *found;                     /* NULL: none; else owned */
    int64_t      checked;                   /* seconds; 0: never */
} tlsrpt_verdict_t;

/* Of a record, as tlsrpt_dns_records() has it. */
void tlsrpt_published_record(const tlsrpt_seen_t *seen, int64_t now,
    const json_t *record, tlsrpt_verdict_t *verdict);

/* The policy that is served here. */
typedef struct {
    tlsrpt_str_t  domain;
    tlsrpt_str_t  id;
    int           mode;                     /* MTA_STS_... */
} tlsrpt_published_policy_t;

/* Does its host answer with it, as senders ask?  The judgement is that of
   checks (tlsrpt_finding.h), and so are the words. */
void tlsrpt_published_host(const tlsrpt_seen_t *seen, int64_t now,
    const tlsrpt_published_policy_t *policy, tlsrpt_verdict_t *verdict);

/* Both: is its id in DNS, and does its host answer with it?  What is not so
   first. */
void tlsrpt_published_policy(const tlsrpt_seen_t *seen, int64_t now,
    const tlsrpt_published_policy_t *policy, tlsrpt_verdict_t *verdict);

/* {"state","found","reason","checked"}, the last two null where there is
   nothing to say; takes found.  NULL: no memory. */
json_t *tlsrpt_published_json(tlsrpt_verdict_t *verdict) TLSRPT_MUST_USE;

/* Null where there is no such time. */
json_t *tlsrpt_published_time(int64_t seconds) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_PUBLISHED_H */
