/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the reports of a range of days tell of the domain's senders and
 * addresses, and the policy served now: what problems are judged by.
 */

#ifndef TLSRPT_EVIDENCE_H
#define TLSRPT_EVIDENCE_H

#include "mta_sts_policy.h"
#include "tlsrpt_day_scan.h"
#include "tlsrpt_strings.h"

#pragma GCC visibility push(hidden)

/* A sender's days. */
#define TLSRPT_SENDER_REPORTED   1
#define TLSRPT_SENDER_SUCCEEDED  2
#define TLSRPT_SENDER_BUSY       4          /* more than a heartbeat */
#define TLSRPT_SENDER_FETCHED    8          /* succeeded under MTA-STS */

typedef struct {
    tlsrpt_str_t    name;
    unsigned char  *days;                   /* of the range: flags */
} tlsrpt_sender_t;

#define TLSRPT_MAX_SENDERS  512

/* Which address stood behind a mail server, and since when. */
typedef struct {
    tlsrpt_str_t  mx;
    tlsrpt_str_t  ip;                       /* text */
    tlsrpt_str_t  bytes;                    /* 4 or 16 */
    size_t        first;                    /* day of the range, from 0 */
} tlsrpt_address_t;

#define TLSRPT_MAX_ADDRESSES  256

typedef struct {
    tlsrpt_day_scan_t        scan;
    size_t                   nknown;        /* days of it up to today */
    const mta_sts_policy_t  *served;
    tlsrpt_strings_t         text;
    tlsrpt_sender_t          senders[TLSRPT_MAX_SENDERS];
    size_t                   nsenders;
    tlsrpt_address_t         addresses[TLSRPT_MAX_ADDRESSES];
    size_t                   naddresses;
} tlsrpt_evidence_t;

#pragma GCC visibility pop

#endif /* TLSRPT_EVIDENCE_H */
