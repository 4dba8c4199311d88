/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * One line of BASE/domains: the totals of one domain.  Its commands are known
 * at once: ncommands of them, in any order.
 */

#ifndef TLSRPT_TOTALS_H
#define TLSRPT_TOTALS_H

#include "tlsrpt_command.h"
#include "tlsrpt_query.h"
#include "tlsrpt_reply.h"

#pragma GCC visibility push(hidden)

typedef struct tlsrpt_totals tlsrpt_totals_t;

tlsrpt_totals_t *tlsrpt_totals_create(const tlsrpt_query_t *query,
    tlsrpt_str_t domain, tlsrpt_str_t prefix) TLSRPT_MUST_USE;
void tlsrpt_totals_destroy(tlsrpt_totals_t *totals);
size_t tlsrpt_totals_ncommands(const tlsrpt_totals_t *totals);
const tlsrpt_command_t *tlsrpt_totals_command(tlsrpt_totals_t *totals,
    size_t n);
int tlsrpt_totals_add(tlsrpt_totals_t *totals, size_t n,
    const tlsrpt_reply_t *reply) TLSRPT_MUST_USE;
/* Was the domain ever seen? */
int tlsrpt_totals_seen(const tlsrpt_totals_t *totals);
json_t *tlsrpt_totals_json(const tlsrpt_totals_t *totals) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_TOTALS_H */
