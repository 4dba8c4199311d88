/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * One line of BASE/domains: the totals of one domain in the range, and how it
 * is now, for which the last TLSRPT_DEFAULT_DAYS days and its open problems
 * are read.
 */

#ifndef TLSRPT_OVERVIEW_H
#define TLSRPT_OVERVIEW_H

#include "tlsrpt_command.h"
#include "tlsrpt_query.h"
#include "tlsrpt_reply.h"
#include "tlsrpt_status.h"

#pragma GCC visibility push(hidden)

typedef struct tlsrpt_overview tlsrpt_overview_t;

/* query: its range; by day: then the line has the days' sums too. */
tlsrpt_overview_t *tlsrpt_overview_create(const tlsrpt_query_t *query,
    tlsrpt_str_t domain, tlsrpt_str_t prefix) TLSRPT_MUST_USE;
void tlsrpt_overview_destroy(tlsrpt_overview_t *overview);

/* The next command, borrowed until the next call, and its number; NULL: there
   is none, or none before another reply. */
const tlsrpt_command_t *tlsrpt_overview_next(tlsrpt_overview_t *overview,
    size_t *n);
/* Would there be one? */
int tlsrpt_overview_asks(const tlsrpt_overview_t *overview);
/* Takes the reply to command n: TLSRPT_OK or TLSRPT_ERR_MEMORY. */
int tlsrpt_overview_add(tlsrpt_overview_t *overview, size_t n,
    const tlsrpt_reply_t *reply) TLSRPT_MUST_USE;
/* Is all asked and answered?  Then there is the rest. */
int tlsrpt_overview_is_done(const tlsrpt_overview_t *overview);

/* Was the domain ever seen? */
int tlsrpt_overview_seen(const tlsrpt_overview_t *overview);
tlsrpt_status_t tlsrpt_overview_status(const tlsrpt_overview_t *overview);
/* The names of its members, and how many: the columns of CSV. */
#define TLSRPT_OVERVIEW_NAMES  9
extern const char *const  tlsrpt_overview_names[TLSRPT_OVERVIEW_NAMES];
/* policy_mode: of the policy that is served; NULL: there is none. */
json_t *tlsrpt_overview_json(const tlsrpt_overview_t *overview,
    const char *policy_mode) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_OVERVIEW_H */
