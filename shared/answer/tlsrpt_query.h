/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a viewer asks of one domain: BASE/domains/D.
 */

#ifndef TLSRPT_QUERY_H
#define TLSRPT_QUERY_H

#include "tlsrpt_error.h"
#include "tlsrpt_strings.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_DEFAULT_DAYS    30
#define TLSRPT_MAX_QUERY_DAYS  10000

#define TLSRPT_DIMENSION_MAP(XX)                                              \
    XX(DAY,          "day")                                                   \
    XX(ORGANIZATION, "organization-name")                                     \
    XX(POLICY_TYPE,  "policy-type")                                           \
    XX(VIA,          "via")                                                   \
    /* from here on: of the failure details */                                \
    XX(RESULT_TYPE,  "result-type")                                           \
    XX(SENDING_IP,   "sending-mta-ip")                                        \
    XX(MX,           "receiving-mx-hostname")                                 \
    XX(RECEIVING_IP, "receiving-ip")                                          \
    XX(REASON,       "failure-reason-code")

enum {
#define XX(name, text) TLSRPT_BY_##name,
    TLSRPT_DIMENSION_MAP(XX)
#undef XX
    TLSRPT_NDIMENSIONS
};

#define TLSRPT_BY_DETAIL  TLSRPT_BY_RESULT_TYPE     /* the first of them */

typedef struct {
    int32_t       from;                     /* days, both included */
    int32_t       to;
    int32_t       today;
    int32_t       oldest;                   /* day that is shown */
    unsigned      nby;
    unsigned char by[TLSRPT_NDIMENSIONS];
    unsigned      filtered;                 /* bit 1 << TLSRPT_BY_... */
    char          filter[TLSRPT_NDIMENSIONS][TLSRPT_MAX_STRING + 1];
    unsigned short filter_len[TLSRPT_NDIMENSIONS];  /* 0: not given (null) */
} tlsrpt_query_t;

/* The default range: 30 days up to that of now. */
void tlsrpt_query_init(tlsrpt_query_t *query, int64_t now);

/* Days past the retention are not shown, whatever is still stored. */
void tlsrpt_query_retain(tlsrpt_query_t *query, unsigned retention_days);

/* One parameter of the query string, already unescaped.  TLSRPT_OK;
   TLSRPT_ERR_PARAMETER with error->path its name and error->detail the reason.
   check: after the last one. */
int tlsrpt_query_param(tlsrpt_query_t *query, tlsrpt_str_t name,
    tlsrpt_str_t value, tlsrpt_error_t *error) TLSRPT_MUST_USE;
int tlsrpt_query_check(const tlsrpt_query_t *query, tlsrpt_error_t *error)
    TLSRPT_MUST_USE;


/*
 * For the answers.
 */

const char *tlsrpt_dimension_name(unsigned dimension);

/* Is it the parameter of this name? */
int tlsrpt_param_is(tlsrpt_str_t name, const char *text);

/* TLSRPT_ERR_PARAMETER, and error filled; name may be from outside. */
int tlsrpt_param_fail(tlsrpt_error_t *error, tlsrpt_str_t name,
    const char *detail);
int tlsrpt_param_unknown(tlsrpt_error_t *error, tlsrpt_str_t name);

int tlsrpt_query_groups_by(const tlsrpt_query_t *query, unsigned dimension);

/* Is a key or a filter one of the failure details?  Then sessions cannot be
   told, only failed sessions of details. */
int tlsrpt_query_is_detailed(const tlsrpt_query_t *query);
/* Is policy-type a key or a filter?  Then each type's own sums are shown. */
int tlsrpt_query_is_typed(const tlsrpt_query_t *query);

#pragma GCC visibility pop

#endif /* TLSRPT_QUERY_H */
