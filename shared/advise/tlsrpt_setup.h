/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * How far a domain is set up: what DNS and the policy host show of what is to
 * be published, by the last check, and what reports tell.
 */

#ifndef TLSRPT_SETUP_H
#define TLSRPT_SETUP_H

#include "tlsrpt_lookup.h"
#include "tlsrpt_query.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_SETUP_CLEAN_DAYS  14         /* with reports, before enforce */

typedef struct {
    tlsrpt_str_t   domain;
    tlsrpt_str_t   prefix;
    json_t        *records;                 /* of tlsrpt_dns_records(); taken */
    tlsrpt_str_t   policy_id;               /* served; data NULL: none is */
    int            mode;                    /* of it, MTA_STS_... */
    int            is_pending;              /* no counts are told of it */
    int            steps;                   /* else the records are wanted */
    int64_t        now;                     /* seconds */
    int64_t        since;                   /* the viewer sees what came since;
                                               0: all */
} tlsrpt_setup_ask_t;

/*
 * Of the records: the same JSON; each record with "state" (published, missing,
 * different, several, unknown), "found", "reason" (null: nothing to say) and
 * "checked" (null: never).  Of the steps: {"domain","steps":[{"step","state"
 * (done, todo, wrong, unknown),"text","record"?,"checked"?}]}.
 * Strings are copied.  NULL: no memory.
 */
tlsrpt_lookup_t *tlsrpt_setup_create(const tlsrpt_setup_ask_t *ask)
    TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_SETUP_H */
