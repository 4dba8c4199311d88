/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Requests for the policy of a domain, https://mta-sts.DOMAIN/..., that got as
 * far as HTTP: how many were answered with which status on which day (UTC).
 *
 *     PREFIX:{DOMAIN}:fetches    hash  "YYYY-MM-DD STATUS" -> requests,
 *                                      "@NODE" -> its last batch
 *     PREFIX:{checks}:nodes      hash  NODE -> "FIRST LAST", days
 *
 * A node counted all requests of the days after FIRST up to LAST, and only some
 * of FIRST, when it began.  It tells what it has counted in batches, and one
 * that is told twice counts once.
 */

#ifndef TLSRPT_FETCHES_H
#define TLSRPT_FETCHES_H

#include "tlsrpt_command.h"
#include "tlsrpt_reply.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_FETCHES_KEY   ":fetches"     /* of a domain */
#define TLSRPT_FETCHES_NODES ":nodes"       /* of checks */
#define TLSRPT_FETCHES_DAYS  30             /* kept */
#define TLSRPT_MAX_FETCHES   64             /* days and statuses of a domain */
#define TLSRPT_MAX_NODES     64
#define TLSRPT_NODE_LEN      64

typedef struct {
    int32_t   day;
    unsigned  status;                       /* of HTTP */
    uint64_t  count;
} tlsrpt_fetch_t;

/* A batch: number, which grows, belongs to zone, a word.  Of a node they are
   told one after the other. */
typedef struct {
    tlsrpt_str_t    prefix;
    tlsrpt_str_t    domain;
    tlsrpt_str_t    node;
    tlsrpt_str_t    zone;
    uint64_t        number;
    tlsrpt_fetch_t  fetch;
    int32_t         today;
} tlsrpt_fetches_batch_t;

/* NULL: no memory. */
tlsrpt_command_t *tlsrpt_fetches_command(const tlsrpt_fetches_batch_t *batch)
    TLSRPT_MUST_USE;

/* The node counts up to today.  since: the day on which it began or, all_of 0,
   could not count all.  NULL: no memory. */
tlsrpt_command_t *tlsrpt_fetches_node_command(tlsrpt_str_t prefix,
    tlsrpt_str_t node, int32_t since, int all_of, int32_t today)
    TLSRPT_MUST_USE;


/*
 * Read back
 */

typedef struct {
    char            name[TLSRPT_NODE_LEN + 1];
    int32_t         first;
    int32_t         last;
    int             serves;                 /* the domain */
} tlsrpt_fetches_node_t;

typedef struct {
    tlsrpt_fetch_t         list[TLSRPT_MAX_FETCHES];
    size_t                 n;
    tlsrpt_fetches_node_t  nodes[TLSRPT_MAX_NODES];
    size_t                 nnodes;
} tlsrpt_fetches_t;

/* What HGETALL of each key replied; what cannot be read is left out. */
void tlsrpt_fetches_read(tlsrpt_fetches_t *fetches,
    const tlsrpt_reply_t *reply);
void tlsrpt_fetches_read_nodes(tlsrpt_fetches_t *fetches,
    const tlsrpt_reply_t *reply);

/* Then what GET of PREFIX:{DOMAIN}:served replied: which of these nodes know
   the domain, and so count it. */
void tlsrpt_fetches_read_served(tlsrpt_fetches_t *fetches,
    const tlsrpt_reply_t *reply);

/* How many nodes counted all of the day's for the domain; 0, too, where some of
   it is no longer kept. */
size_t tlsrpt_fetches_nodes(const tlsrpt_fetches_t *fetches, int32_t day);

#pragma GCC visibility pop

#endif /* TLSRPT_FETCHES_H */
