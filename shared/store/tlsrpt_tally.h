/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * report -> tally: what one report says of one policy domain, as counters.
 */

#ifndef TLSRPT_TALLY_H
#define TLSRPT_TALLY_H

#include "tlsrpt_report.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_MAX_TYPES  8                 /* policy types of a report; the
                                               rest is one more, (overflow) */
#define TLSRPT_MAX_ROWS   1024              /* distinct details of a report */
#define TLSRPT_MAX_ROWS_TEXT  131072        /* and the strings in them */

#define TLSRPT_MAX_PATTERNS  16             /* kept of a policy's mx */

/* The policy that the sender applied, where sessions failed under it: of
   several of one type, the one with the most failures. */
typedef struct {
    unsigned      mode;                     /* MTA_STS_... + 1; 0: not told */
    size_t        nmx;
    tlsrpt_str_t  mx[TLSRPT_MAX_PATTERNS];
} tlsrpt_tally_applied_t;

typedef struct {
    tlsrpt_str_t            policy_type;    /* data NULL: not given */
    uint64_t                successful;
    uint64_t                failed;
    uint64_t                worst;          /* failures under the policy */
    tlsrpt_tally_applied_t  applied;
} tlsrpt_tally_type_t;

typedef struct {
    unsigned      type;                     /* index into the types */
    tlsrpt_str_t  result_type;              /* data NULL: not given; so all */
    tlsrpt_str_t  sending_mta_ip;
    tlsrpt_str_t  receiving_mx_hostname;
    tlsrpt_str_t  receiving_ip;
    tlsrpt_str_t  failure_reason_code;
    uint64_t      failed;
} tlsrpt_tally_row_t;

typedef struct {
    uint64_t             successful;        /* sessions */
    uint64_t             failed;
    size_t               ntypes;
    tlsrpt_tally_type_t  types[TLSRPT_MAX_TYPES + 1];
    size_t               nrows;
    tlsrpt_tally_row_t  *rows;
    uint64_t             overflow;          /* failed, in no row */
    uint64_t             failed_in_details; /* rows and overflow */
} tlsrpt_tally_t;

/* 0, or -1: no memory.  The strings are the report's. */
int tlsrpt_tally_report(tlsrpt_tally_t *tally, const tlsrpt_report_t *report,
    unsigned domain) TLSRPT_MUST_USE;
void tlsrpt_tally_free(tlsrpt_tally_t *tally);

#pragma GCC visibility pop

#endif /* TLSRPT_TALLY_H */
