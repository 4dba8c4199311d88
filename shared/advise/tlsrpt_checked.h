/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the last check of a domain shows, joined with what reports tell: of one
 * result type and cause there is one problem.
 */

#ifndef TLSRPT_CHECKED_H
#define TLSRPT_CHECKED_H

#include "tlsrpt_problem.h"
#include "tlsrpt_reply.h"

#pragma GCC visibility push(hidden)

typedef struct tlsrpt_checked {
    tlsrpt_seen_t           seen;
    int                     has_seen;
    tlsrpt_versions_t       served;
    int                     has_served;
    mta_sts_policy_t        policy;         /* that is served now, where */
    int                     has_policy;     /* one is */
    tlsrpt_findings_ask_t   ask;
    tlsrpt_findings_t       findings;
} tlsrpt_checked_t;

/* What GET of TLSRPT_SEEN_KEY, and of TLSRPT_VERSIONS_KEY, replied.  What
   cannot be read is as if nothing were kept. */
void tlsrpt_checked_add_seen(tlsrpt_checked_t *checked,
    const tlsrpt_reply_t *reply);
void tlsrpt_checked_add_served(tlsrpt_checked_t *checked,
    const tlsrpt_reply_t *reply, int64_t now);
void tlsrpt_checked_free(tlsrpt_checked_t *checked);

/* Judges it, once both are there; domain is borrowed. */
void tlsrpt_checked_judge(tlsrpt_checked_t *checked, tlsrpt_str_t domain,
    int64_t now, int reports_came);

/* How many problems it may add. */
#define TLSRPT_CHECKED_MAX  TLSRPT_MAX_FINDINGS

/* Joins the findings with the problems, which are judged; those that no report
   shows are added behind.  0, or -1: no memory. */
int tlsrpt_checked_join(const tlsrpt_evidence_t *evidence,
    tlsrpt_problem_t **problems, size_t *n) TLSRPT_MUST_USE;

/* Of what was open and is not found by a check any more. */
typedef enum {
    TLSRPT_CHECKED_NEVER = 0,               /* no check showed it */
    TLSRPT_CHECKED_UNKNOWN,                 /* whether it is over */
    TLSRPT_CHECKED_OVER
} tlsrpt_checked_end_t;

/* entry: of the state. */
tlsrpt_checked_end_t tlsrpt_checked_end(const tlsrpt_evidence_t *evidence,
    const json_t *entry);

#pragma GCC visibility pop

#endif /* TLSRPT_CHECKED_H */
