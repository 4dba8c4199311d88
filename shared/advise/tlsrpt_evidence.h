/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the reports of a range of days tell of the domain's senders and
 * policies, and the policy served now: what problems are judged by.
 *
 * Evidence is verified where the report came by mail, which is taken only if it
 * is signed (RFC 8460 3, 5.3).  A POST is signed by nobody: as long as
 * the domain gets verified reports, too, it proves nothing in anybody's favour.
 */

#ifndef TLSRPT_EVIDENCE_H
#define TLSRPT_EVIDENCE_H

#include "mta_sts_policy.h"
#include "tlsrpt_day_scan.h"
#include "tlsrpt_fetches.h"
#include "tlsrpt_packed.h"
#include "tlsrpt_result.h"
#include "tlsrpt_strings.h"

#pragma GCC visibility push(hidden)

/* Of all reports of a sender on a day. */
enum {
    TLSRPT_DAY_OTHER = 0,                   /* no policy, or another type */
    TLSRPT_DAY_STS,
    TLSRPT_DAY_TLSA,
    TLSRPT_DAY_KINDS
};

typedef struct {
    uint32_t  reports;
    uint32_t  verified_reports;
    unsigned  disputed:1;                   /* they contradict each other, and
                                               none is verified */
    uint64_t  sessions;
    uint64_t  verified_sessions;
    uint64_t  successful;
    uint64_t  verified;                     /* successful, verified */
    uint64_t  passed[TLSRPT_DAY_KINDS];     /* successful under ... */
    uint64_t  passed_verified[TLSRPT_DAY_KINDS];
    uint64_t  met[TLSRPT_DAY_KINDS];        /* sessions under ... */
    uint64_t  untold;                       /* failed, but not kept in detail */
    uint64_t  untold_verified;
} tlsrpt_sender_day_t;

/* How late reports come, by the lists of two days, the newer one first: what
   comes for both at once (a backlog) tells nothing. */
typedef struct {
    unsigned  nlists;
    size_t    day;                          /* of the newer list */
    int32_t   came;                         /* the day on which that came */
    size_t    late;                         /* days between; 0: not known */
} tlsrpt_delay_t;

typedef struct {
    tlsrpt_str_t          name;
    uint16_t             *at;               /* of the range: 1 + its index in
                                               days; 0: no report */
    tlsrpt_sender_day_t  *days;
    size_t                ndays;
    size_t                size;
    double                sessions;         /* of all its days */
    /* of the lists of reports that were read; data NULL: not known */
    tlsrpt_str_t          contact;          /* contact-info */
    int                   is_verified;      /* signed by the contact's domain */
    tlsrpt_str_t          signer;           /* the domain that signed */
    tlsrpt_delay_t        delay;
} tlsrpt_sender_t;

#define TLSRPT_MAX_SENDERS  512
#define TLSRPT_NO_SENDER    TLSRPT_MAX_SENDERS

/* An mx line of a policy that a sender had. */
typedef struct {
    tlsrpt_str_t  text;
    int           verified;
} tlsrpt_known_mx_t;

#define TLSRPT_MAX_KNOWN_MX  128

typedef struct {
    tlsrpt_day_scan_t        scan;
    size_t                   nknown;        /* days of it up to today */
    const mta_sts_policy_t  *served;        /* NULL: none */
    const struct tlsrpt_checked  *checked;  /* of tlsrpt_checked.h; NULL: no
                                               check is known */
    const tlsrpt_fetches_t  *fetches;       /* of its policy; NULL: not asked */
    int                      verified;      /* are there verified reports? */
    tlsrpt_delay_t           delay;         /* of anybody */
    tlsrpt_strings_t         text;
    tlsrpt_sender_t          senders[TLSRPT_MAX_SENDERS];
    size_t                   nsenders;
    size_t                   next_sender;   /* likely, after the last one */
    tlsrpt_known_mx_t        known_mx[TLSRPT_MAX_KNOWN_MX];
    size_t                   nknown_mx;
} tlsrpt_evidence_t;

void tlsrpt_evidence_free(tlsrpt_evidence_t *evidence);

/* Keeps a value's text for as long as there is evidence; an empty string where
   there is none.  0, or -1: no memory. */
int tlsrpt_evidence_keep(tlsrpt_evidence_t *evidence, tlsrpt_value_t value,
    tlsrpt_str_t *kept) TLSRPT_MUST_USE;

/* What a report without the name of its organization goes under. */
tlsrpt_value_t tlsrpt_evidence_name(tlsrpt_value_t organization);

/* A report of the n-th day.  sender: its index, or TLSRPT_NO_SENDER, there are
   too many.  0, or -1: no memory. */
int tlsrpt_evidence_add(tlsrpt_evidence_t *evidence,
    const tlsrpt_packed_t *report, size_t day, size_t *sender) TLSRPT_MUST_USE;

/* TLSRPT_DAY_... */
unsigned tlsrpt_evidence_kind(tlsrpt_value_t policy_type);

/* NULL: it did not report on the day. */
const tlsrpt_sender_day_t *tlsrpt_evidence_day(
    const tlsrpt_evidence_t *evidence, size_t sender, size_t day);

/* Did the sender report sessions of the day, and, if asked for, by a verified
   report? */
int tlsrpt_evidence_speaks(const tlsrpt_sender_day_t *day, int verified);
/* How many sessions passed, under any of the kinds (1 << TLSRPT_DAY_...), or 0:
   at all. */
uint64_t tlsrpt_evidence_passed(const tlsrpt_evidence_t *evidence,
    const tlsrpt_sender_day_t *day, unsigned kinds);

/* 1 + the first and the last day on which the sender reported, if asked for by
   a verified report, or, sender NULL, anybody; 0: there is none. */
size_t tlsrpt_evidence_first(const tlsrpt_evidence_t *evidence,
    const tlsrpt_sender_t *sender, int verified);
size_t tlsrpt_evidence_last(const tlsrpt_evidence_t *evidence,
    const tlsrpt_sender_t *sender, int verified);

/* Have those reported on the day that have half of the usual sessions, as the
   other days of the range tell?  Where there are verified reports, these alone
   count.  without: senders whose reports do not count, or NULL. */
int tlsrpt_evidence_is_settled(const tlsrpt_evidence_t *evidence, size_t day,
    const unsigned char without[TLSRPT_MAX_SENDERS + 1]);

/* Does a policy cover the mail server: the one served, or one that is known? */
int tlsrpt_evidence_served(const tlsrpt_evidence_t *evidence, tlsrpt_str_t mx);
int tlsrpt_evidence_covers(const tlsrpt_evidence_t *evidence, tlsrpt_str_t mx);
/* Is there a policy to compare with? */
int tlsrpt_evidence_has_policy(const tlsrpt_evidence_t *evidence);

/* The domain under which names are registered (RFC 9091 calls it the
   organizational domain), by the Public Suffix List; data NULL: the name is
   none below a public suffix. */
tlsrpt_str_t tlsrpt_registered_domain(tlsrpt_str_t name);

#pragma GCC visibility pop

#endif /* TLSRPT_EVIDENCE_H */
