/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The TXT records of TLS reporting (RFC 8460 3) and MTA-STS (RFC 8461 3.1):
 * checked, made, and told as what to publish for a domain.
 */

#ifndef TLSRPT_DNS_H
#define TLSRPT_DNS_H

#include "mta_sts_policy.h"
#include "tlsrpt_domain.h"
#include "tlsrpt_str.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_MAX_RECORD  4096             /* bytes of a record's text */
#define TLSRPT_MAX_RUA     32

/*
 * {"valid","errors":[{"at","message","section"}],"warnings":[...],"rua":[...]}
 * of a record as it stands in DNS or in a zone file (quoted strings are put
 * together); "at" counts bytes of what was given, from 0.  Several lines are
 * several records of one name, of which those of other kinds are discarded.
 * NULL: no memory.
 */
json_t *tlsrpt_dns_check(const char *text, size_t len) TLSRPT_MUST_USE;

/* The same of a record made of these URIs, and the "record" itself, of
   "_smtp._tls"; null where it is not valid. */
json_t *tlsrpt_dns_make(const tlsrpt_str_t *rua, size_t n) TLSRPT_MUST_USE;

/* What a domain's owner publishes. */
typedef struct {
    tlsrpt_str_t   domain;
    tlsrpt_str_t   rua[TLSRPT_MAX_RUA];     /* with the domain's token */
    size_t         nrua;
    tlsrpt_str_t   policy_id;               /* data NULL: no policy */
    int            mode;                    /* of the policy */
    tlsrpt_str_t   verify;                  /* of _tlsrpt-verify; data NULL:
                                               none, as below */
    tlsrpt_str_t   same_as;                 /* whose policy it is */
    tlsrpt_str_t   zone;                    /* the provider's, with the records
                                               that these become aliases of */
} tlsrpt_dns_domain_t;

/* {"domain","records":[{"name","host","type","value","purpose","order"}],
   "advice":[...]}.  host: the name without the domain that was registered, as
   forms of DNS providers want it; order: in which to publish them, from 1. */
json_t *tlsrpt_dns_records(const tlsrpt_dns_domain_t *domain) TLSRPT_MUST_USE;

/* What stands behind the aliases, in the provider's zone: the same shape; the
   TXT records are of such names.  A domain whose name is too long for that has
   none, and no aliases. */
json_t *tlsrpt_dns_behind(const tlsrpt_dns_domain_t *domain) TLSRPT_MUST_USE;

/* The same as a piece of a zone file; free() it; NULL: no memory. */
char *tlsrpt_dns_zone(const json_t *records, size_t *len) TLSRPT_MUST_USE;

/* The host of the first https: URI, normalized, into TLSRPT_DOMAIN_LEN + 1
   bytes.  Its length; 0: there is none. */
size_t tlsrpt_dns_https_host(const tlsrpt_str_t *uris, size_t n, char *host);

#pragma GCC visibility pop

#endif /* TLSRPT_DNS_H */
