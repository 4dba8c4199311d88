/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What is gathered about one result type, and about each sender, before it is
 * put into words: gathered in tlsrpt_problems.c, told in tlsrpt_diagnosis.c.
 */

#ifndef TLSRPT_FINDING_H
#define TLSRPT_FINDING_H

#include "mta_sts_policy.h"
#include "tlsrpt_explain.h"
#include "tlsrpt_group.h"
#include "tlsrpt_range.h"
#include "tlsrpt_strings.h"

#pragma GCC visibility push(hidden)

/* What a finding counts by; the order of its groups. */
enum {
    TLSRPT_FINDING_ORGANIZATIONS = 0,
    TLSRPT_FINDING_MX,
    TLSRPT_FINDING_SENDING_IPS,
    TLSRPT_FINDING_RECEIVING_IPS,
    TLSRPT_FINDING_REASONS,
    TLSRPT_FINDING_TYPES,
    TLSRPT_FINDING_NGROUPS
};

#define TLSRPT_FINDING_LIST       50        /* of each, told */
#define TLSRPT_FINDING_VALUES     4096      /* of each, told apart */
#define TLSRPT_FINDING_UNCOVERED  8

/* Under which policies it happened. */
#define TLSRPT_UNDER_NONE     0x01          /* no policy, or mode none */
#define TLSRPT_UNDER_TESTING  0x02
#define TLSRPT_UNDER_ENFORCE  0x04
#define TLSRPT_UNDER_DANE     0x08
#define TLSRPT_UNDER_UNKNOWN  0x10          /* the report does not tell */

/* A mail server that no line of the policy covers which the sender saw. */
typedef struct {
    tlsrpt_str_t  mx;
    tlsrpt_str_t  patterns;                 /* "a, *.b" */
    int           too_deep;                 /* below "*.", by many labels */
} tlsrpt_uncovered_t;

typedef struct {
    tlsrpt_str_t                 result_type;
    const tlsrpt_explanation_t  *explanation;
    uint64_t                     failed;
    size_t                       first;     /* index of a day */
    size_t                       last;
    uint64_t                    *by_day;
    unsigned                     under;     /* TLSRPT_UNDER_... */
    tlsrpt_severity_t            severity;  /* once all is gathered */
    tlsrpt_groups_t              groups[TLSRPT_FINDING_NGROUPS];
    tlsrpt_uncovered_t           uncovered[TLSRPT_FINDING_UNCOVERED];
    size_t                       nuncovered;
} tlsrpt_finding_t;


/* Does it keep senders from the policy, and not from a mail server? */

static inline int
tlsrpt_finding_is_of_policy(const tlsrpt_finding_t *f)
{
    return f->explanation->loses == TLSRPT_LOSES_NOTHING;
}


/* A sender's days. */
#define TLSRPT_SENDER_REPORTED   1
#define TLSRPT_SENDER_SUCCEEDED  2
#define TLSRPT_SENDER_BUSY       4          /* more than a heartbeat */
#define TLSRPT_SENDER_FETCHED    8          /* succeeded under MTA-STS */

typedef struct {
    tlsrpt_str_t    name;
    unsigned char  *days;
} tlsrpt_sender_t;

#define TLSRPT_MAX_SENDERS  512

/* Which address stood behind a mail server, and since when. */
typedef struct {
    tlsrpt_str_t  mx;
    tlsrpt_str_t  ip;                       /* text */
    tlsrpt_str_t  bytes;                    /* 4 or 16 */
    size_t        first;
} tlsrpt_address_t;

#define TLSRPT_MAX_ADDRESSES  256

typedef struct {
    tlsrpt_range_t           range;
    size_t                   nknown;        /* days of it up to today */
    const mta_sts_policy_t  *served;
    tlsrpt_strings_t         text;
    tlsrpt_sender_t          senders[TLSRPT_MAX_SENDERS];
    size_t                   nsenders;
    tlsrpt_address_t         addresses[TLSRPT_MAX_ADDRESSES];
    size_t                   naddresses;
} tlsrpt_evidence_t;

/* One problem as JSON; NULL: no memory. */
json_t *tlsrpt_diagnosis_json(const tlsrpt_evidence_t *evidence,
    const tlsrpt_finding_t *finding) TLSRPT_MUST_USE;

/* How bad it is under the policies at hand. */
tlsrpt_severity_t tlsrpt_diagnosis_severity(const tlsrpt_evidence_t *evidence,
    const tlsrpt_finding_t *finding);

/* Why the failures may come of somebody on the way, or null; NULL: no
   memory. */
json_t *tlsrpt_suspicion_json(const tlsrpt_evidence_t *evidence,
    const tlsrpt_finding_t *finding) TLSRPT_MUST_USE;

/* Problems that are no failures: reports that stopped.  Put into the array
   from index at on.  0, or -1: no memory. */
int tlsrpt_silence_json(const tlsrpt_evidence_t *evidence, json_t *problems,
    size_t at) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_FINDING_H */
