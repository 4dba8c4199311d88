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
 * the answers says so (tlsrpt_index_add_due), it sends the ZADD for all of
 * them, and what that answers tells whether the EXPIRE follows
 * (tlsrpt_index_keep_due).  The report is stored when the last of these is
 * answered.  Where one fails, its sender has to send it again: then it is a
 * duplicate, which writes the index.
 *
 * A host that finds a name without data forgets it: ZREM first, then it asks
 * for the domain once more, and where that has data by now it sends the ZADD.
 * So the name of a report that comes in between is there in the end, whoever is
 * first: its own ZADD comes after its script.
 */

#ifndef TLSRPT_INDEX_H
#define TLSRPT_INDEX_H

#include "tlsrpt_command.h"

#pragma GCC visibility push(hidden)

/* May the index lack the domain?  answer: of the ingest script.  It may with
   the first report of a day, and with a duplicate. */
int tlsrpt_index_add_due(int64_t answer);

/* n: at most TLSRPT_MAX_DOMAINS.  All four: NULL: no memory. */
tlsrpt_command_t *tlsrpt_index_add(tlsrpt_str_t prefix,
    const tlsrpt_str_t *domains, size_t n) TLSRPT_MUST_USE;

/* Must its end be put off?  added: what ZADD answered; since: seconds since
   this process last did so, any large number if never. */
int tlsrpt_index_keep_due(int64_t added, int64_t since);

/* Keeps it for a day over the retention, as it is the last of a domain. */
tlsrpt_command_t *tlsrpt_index_keep(tlsrpt_str_t prefix,
    unsigned retention_days) TLSRPT_MUST_USE;

/* Forgets the domain. */
tlsrpt_command_t *tlsrpt_index_forget(tlsrpt_str_t prefix,
    tlsrpt_str_t domain) TLSRPT_MUST_USE;

/* Reads up to n names: those after the given one, which may be any string; after
   an empty one come all domains. */
tlsrpt_command_t *tlsrpt_index_page(tlsrpt_str_t prefix, tlsrpt_str_t after,
    size_t n) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_INDEX_H */
