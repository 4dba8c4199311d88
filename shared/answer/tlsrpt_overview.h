/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * One line of BASE/domains: the totals of one domain.  Its commands are known
 * at once: ncommands of them, in any order.
 */

#ifndef TLSRPT_OVERVIEW_H
#define TLSRPT_OVERVIEW_H

#include "tlsrpt_command.h"
#include "tlsrpt_query.h"
#include "tlsrpt_reply.h"

#pragma GCC visibility push(hidden)

typedef struct tlsrpt_overview tlsrpt_overview_t;

tlsrpt_overview_t *tlsrpt_overview_create(const tlsrpt_query_t *query,
    tlsrpt_str_t domain, tlsrpt_str_t prefix) TLSRPT_MUST_USE;
void tlsrpt_overview_destroy(tlsrpt_overview_t *overview);
size_t tlsrpt_overview_ncommands(const tlsrpt_overview_t *overview);
const tlsrpt_command_t *tlsrpt_overview_command(tlsrpt_overview_t *overview,
    size_t n);
int tlsrpt_overview_add(tlsrpt_overview_t *overview, size_t n,
    const tlsrpt_reply_t *reply) TLSRPT_MUST_USE;
/* Was the domain ever seen? */
int tlsrpt_overview_seen(const tlsrpt_overview_t *overview);
/* The names of its members, and how many: the columns of CSV. */
#define TLSRPT_OVERVIEW_NAMES  6
extern const char *const  tlsrpt_overview_names[TLSRPT_OVERVIEW_NAMES];
json_t *tlsrpt_overview_json(const tlsrpt_overview_t *overview) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_OVERVIEW_H */
