/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The index of the domains ever seen: a sorted set PREFIX:domains, all scores
 * 0, read by name.  It cannot share the domains' slots, and it may outlive a
 * domain's data: whoever reads it asks for the domain, too.
 *
 *     ZADD PREFIX:domains 0 DOMAIN ...
 *     EXPIRE PREFIX:domains seconds
 *     ZRANGEBYLEX PREFIX:domains (NAME + LIMIT 0 n
 *     ZREM PREFIX:domains DOMAIN
 *
 * A host runs the ingest script for the domains of a report first.  If one of
 * the answers asks for it (tlsrpt_index_add_due), the host sends the ZADD for
 * all of them, and the reply to that tells whether the EXPIRE follows
 * (tlsrpt_index_keep_due).  The report is stored when the last of these is
 * answered.  Where one fails, the sender has to send the report again: then it
 * is a duplicate, which writes the index.
 *
 * A host that finds a name without data forgets it: ZREM first, then it asks
 * for the domain once more, and where that has data by now it sends the ZADD.
 * So the name of a report that comes in between is there in the end, whoever is
 * first: the ZADD for a report comes after its script.
 */

#ifndef TLSRPT_INDEX_H
#define TLSRPT_INDEX_H

#include "tlsrpt_command.h"

#pragma GCC visibility push(hidden)

/* May the index lack the domain?  answer: what the ingest script returned.  It
   may after the first report of a day, and after a duplicate. */
int tlsrpt_index_add_due(int64_t answer);

/* Adds n domains, TLSRPT_MAX_DOMAINS at most.  NULL: no memory, as below. */
tlsrpt_command_t *tlsrpt_index_add(tlsrpt_str_t prefix,
    const tlsrpt_str_t *domains, size_t n) TLSRPT_MUST_USE;

/* Must the index's expiry be put off?  added: what ZADD answered; since:
   seconds since this process last put it off, any large number if never. */
int tlsrpt_index_keep_due(int64_t added, int64_t since);

/* Puts the index's expiry off, to the retention and a day from now. */
tlsrpt_command_t *tlsrpt_index_keep(tlsrpt_str_t prefix,
    unsigned retention_days) TLSRPT_MUST_USE;

/* Forgets the domain. */
tlsrpt_command_t *tlsrpt_index_forget(tlsrpt_str_t prefix,
    tlsrpt_str_t domain) TLSRPT_MUST_USE;

/* Reads up to n names that come after the given one, which may be any string:
   an empty one comes before all domains. */
tlsrpt_command_t *tlsrpt_index_page(tlsrpt_str_t prefix, tlsrpt_str_t after,
    size_t n) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_INDEX_H */
