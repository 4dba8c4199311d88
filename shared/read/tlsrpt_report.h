/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The report (RFC 8460 4.4), as sent but for what the warnings name.
 * Bounded by TLSRPT_MAX_...: failure details over the bound are counted in the
 * overflow of their policy.
 */

#ifndef TLSRPT_REPORT_H
#define TLSRPT_REPORT_H

#include "tlsrpt_count.h"
#include "tlsrpt_error.h"
#include "tlsrpt_strings.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_MAX_POLICIES      1024
#define TLSRPT_MAX_DOMAINS       64       /* distinct policy domains */
#define TLSRPT_MAX_DETAILS       16384
#define TLSRPT_MAX_WARNINGS      64
#define TLSRPT_MAX_RANGE_DAYS    8

/* The domain of a policy that cannot be used: it keeps its place, for the paths
   of warnings, and is not counted. */
#define TLSRPT_LEFT_OUT          ((unsigned) -1)

typedef struct {
    tlsrpt_str_t  result_type;              /* lower case */
    tlsrpt_str_t  sending_mta_ip;           /* canonical text */
    tlsrpt_str_t  receiving_mx_hostname;    /* A-labels, lower case */
    tlsrpt_str_t  receiving_mx_helo;
    tlsrpt_str_t  receiving_ip;
    tlsrpt_str_t  additional_information;
    tlsrpt_str_t  failure_reason_code;
    uint64_t      failed_session_count;
} tlsrpt_detail_t;

typedef struct {
    tlsrpt_str_t      policy_type;          /* lower case */
    tlsrpt_str_t      policy_domain;        /* A-labels, lower case */
    unsigned          domain;               /* index into the domains, or
                                               TLSRPT_LEFT_OUT */
    tlsrpt_str_t     *policy_string;
    size_t            npolicy_string;
    tlsrpt_str_t     *mx_host;
    size_t            nmx_host;
    uint64_t          successful;           /* total-...-session-count */
    uint64_t          failed;
    tlsrpt_detail_t  *details;
    size_t            ndetails;
    uint64_t          overflow;             /* failed sessions of the details
                                               over the bound */
    size_t            begin;                /* where it stands in the text: its
                                               item of policies, from the brace
                                               to behind the other one */
    size_t            end;
    int               unnamed;              /* it named no domain */
} tlsrpt_applied_policy_t;

/* The text that the report was read from. */
typedef struct {
    const char  *data;                      /* NULL: it is longer than _WHOLE,
                                               or was not to be kept */
    size_t       len;
    unsigned     deviations;                /* TLSRPT_INFLATE_...: of the bytes
                                               that it came in */
} tlsrpt_source_t;

#define TLSRPT_TEXT_WHOLE  16384

typedef struct {
    char          path[TLSRPT_PATH_LEN];
    const char   *section;                  /* "RFC 8460 4.4" */
    char          message[TLSRPT_DETAIL_LEN];
} tlsrpt_warning_t;

typedef struct {
    tlsrpt_str_t              organization_name;
    tlsrpt_str_t              contact_info;
    tlsrpt_str_t              report_id;
    int64_t                   start;        /* seconds */
    int64_t                   end;
    int32_t                   day;          /* the report counts on */
    tlsrpt_applied_policy_t  *policies;
    size_t                    npolicies;
    tlsrpt_str_t             *domains;      /* distinct, in order of mention */
    size_t                    ndomains;
    tlsrpt_warning_t         *warnings;
    size_t                    nwarnings;
    size_t                    nwarnings_overflow;  /* not kept */
    struct tlsrpt_canonical  *canonical;    /* for the report's identity */
    tlsrpt_source_t             text;
} tlsrpt_report_t;

/* Is the policy one of the domain's?  What is left out because it names nobody
   concerns everybody. */
int tlsrpt_report_concerns(const tlsrpt_applied_policy_t *policy,
    tlsrpt_str_t domain);
/* Is the warning not about a policy that does not concern the domain? */
int tlsrpt_report_warns(const tlsrpt_report_t *report,
    const tlsrpt_warning_t *warning, tlsrpt_str_t domain);

/* Does it say of the domain, of report->domains, that sessions failed? */
int tlsrpt_report_has_failures(const tlsrpt_report_t *report, unsigned domain);

/* Is the range one that can be counted: at most eight days, not in the future
   and not older than the retention?  TLSRPT_OK, or TLSRPT_ERR_RANGE with error
   filled. */
int tlsrpt_report_check_range(const tlsrpt_report_t *report, int64_t now,
    unsigned retention_days, tlsrpt_error_t *error) TLSRPT_MUST_USE;

/* For answers: the array of {"path","section","message"}; NULL: no memory. */
json_t *tlsrpt_report_warnings_json(const tlsrpt_report_t *report)
    TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_REPORT_H */
