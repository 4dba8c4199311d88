/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * report -> commands: one script call a report and policy domain, atomic and
 * idempotent:
 *     EVALSHA sha1 nkeys keys... arguments...
 * The command holds copies of all it needs.
 */

#ifndef TLSRPT_INGEST_H
#define TLSRPT_INGEST_H

#include "tlsrpt_command.h"
#include "tlsrpt_report.h"

#pragma GCC visibility push(hidden)

enum {
    TLSRPT_VIA_HTTPS = 0,
    TLSRPT_VIA_MAIL  = 1
};

typedef struct {
    tlsrpt_str_t  prefix;                   /* of every key */
    int64_t       now;
    unsigned      retention_days;
    unsigned      report_days;              /* 0: originals are not kept */
    unsigned      via;
    tlsrpt_str_t  signer;                   /* DKIM d= of a mailed report */
    tlsrpt_str_t  address;                  /* who sent it: 4 or 16 bytes */
    tlsrpt_str_t  original;                 /* the body as it came, which the
                                               report was read from with its
                                               text kept */
    int           ask_new;                  /* 1: a domain without data is not
                                               counted (tlsrpt_newcomer.h) */
} tlsrpt_ingest_t;

tlsrpt_command_t *tlsrpt_ingest_command(const tlsrpt_report_t *report,
    unsigned domain, const tlsrpt_ingest_t *ingest) TLSRPT_MUST_USE;

/* What the script's integer says. */
#define TLSRPT_INGEST_DUPLICATE  0
#define TLSRPT_INGEST_STORED     1
#define TLSRPT_INGEST_FIRST      2          /* stored, the first of its day */
#define TLSRPT_INGEST_DUE        3          /* the same, and a month can be
                                               closed (tlsrpt_closing.h) */
#define TLSRPT_INGEST_NEW        4          /* nothing done: a new domain */

/* Added to one of the three that store: the domain has open problems, or had
   data and nothing was ever worked out, so its report is to be looked at soon,
   whatever it says (tlsrpt_due.h). */
#define TLSRPT_INGEST_LOOK       16

/* Seconds until a day is over and the retention after it, 1 at least. */
int64_t tlsrpt_keep_for(int32_t day, unsigned retention_days, int64_t now);

#pragma GCC visibility pop

#endif /* TLSRPT_INGEST_H */
