/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * How a domain is, in a word: by its open problems where they are kept, else
 * as far as the totals of its days tell.
 */

#ifndef TLSRPT_STATUS_H
#define TLSRPT_STATUS_H

#include "tlsrpt_totals.h"

#pragma GCC visibility push(hidden)

/* The first that holds. */
#define TLSRPT_STATUS_MAP(XX)                                                 \
    XX(FAILING,    "failing")               /* sessions fail */               \
    XX(ATTENTION,  "attention")             /* something is to be done */     \
    XX(SILENT,     "silent")                /* reports stopped */             \
    XX(OCCASIONAL, "occasional")            /* single sessions fail */        \
    XX(WAITING,    "waiting")               /* never a report */              \
    XX(OK,         "ok")

typedef enum {
#define XX(name, text) TLSRPT_STATUS_##name,
    TLSRPT_STATUS_MAP(XX)
#undef XX
    TLSRPT_NSTATUSES
} tlsrpt_status_t;

/* What it is told by.  days: n of them, the last one today; last: when the last
   report of all came; is_known: is it known which problems are open?  open:
   those of the domain's state, an array, NULL: none. */
typedef struct {
    int                     seen;           /* was there ever a report? */
    uint64_t                last;
    int32_t                 today;
    const tlsrpt_totals_t  *days;
    size_t                  n;
    int                     is_known;
    const json_t           *open;
} tlsrpt_status_facts_t;

tlsrpt_status_t tlsrpt_status_of(const tlsrpt_status_facts_t *facts);

const char *tlsrpt_status_name(tlsrpt_status_t status);
/* TLSRPT_NSTATUSES: there is no such. */
tlsrpt_status_t tlsrpt_status_named(tlsrpt_str_t name);

#pragma GCC visibility pop

#endif /* TLSRPT_STATUS_H */
