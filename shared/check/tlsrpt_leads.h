/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Whether the policy host of a domain, mta-sts.DOMAIN, leads to this server: by
 * an alias of one of its names, or by an address that one of them has.  Checks
 * look at both (doc/checks.md):
 *
 *     PREFIX:{DOMAIN}:check    "host": {"at","cname"?,"a","aaaa","error"?}
 *     PREFIX:{checks}:here     hash  HOST -> the same, of a name of ours
 *     PREFIX:{checks}:hosts    zset  HOST -> second when it was last asked for
 */

#ifndef TLSRPT_LEADS_H
#define TLSRPT_LEADS_H

#include "tlsrpt_domain.h"
#include "tlsrpt_seen.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_LEADS_HERE     ":here"       /* for tlsrpt_key_checks() */
#define TLSRPT_LEADS_HOSTS    ":hosts"
#define TLSRPT_LEADS_MOST     2             /* names of ours */
#define TLSRPT_LEADS_FRESH    (3 * 86400)   /* seconds: older is not known */

typedef struct {
    char    name[TLSRPT_LEADS_MOST][TLSRPT_DOMAIN_LEN + 1];
    size_t  len[TLSRPT_LEADS_MOST];
    json_t *seen[TLSRPT_LEADS_MOST];        /* owned; NULL: nothing */
    size_t  n;
} tlsrpt_leads_t;

/* The names: the host of the first https: URI, and where the provider has a
   zone (data NULL: none), the one that its records lead to. */
void tlsrpt_leads_names(tlsrpt_leads_t *leads, const tlsrpt_str_t *uris,
    size_t nuris, tlsrpt_str_t zone);

/* What was seen of the name i: JSON as it is in Redis. */
void tlsrpt_leads_seen(tlsrpt_leads_t *leads, size_t i, tlsrpt_str_t text);
void tlsrpt_leads_free(tlsrpt_leads_t *leads);

/* Of a domain, by its check as it is in Redis (len 0: there is none).  Unknown
   where nobody has looked of late, at it or at us. */
tlsrpt_seen_bool_t tlsrpt_leads(const tlsrpt_leads_t *leads,
    tlsrpt_str_t check, int64_t now);

#pragma GCC visibility pop

#endif /* TLSRPT_LEADS_H */
