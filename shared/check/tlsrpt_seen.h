/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a check saw of a domain: its records, its policy host, its mail servers;
 * and which policies are served for it.  Facts as they were seen, and when;
 * tlsrpt_finding.h judges them.
 *
 * In Redis, as JSON (doc/checks.md): PREFIX:{DOMAIN}:check and
 * PREFIX:{DOMAIN}:served.  Members that nobody knows are passed over, of lists
 * that are too long the rest is; what has another type is as if it were absent.
 * Of two looks the later one that said anything stands; where the last one
 * failed, its error stands beside that.
 */

#ifndef TLSRPT_SEEN_H
#define TLSRPT_SEEN_H

#include "mta_sts_policy.h"
#include "tlsrpt_str.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_SEEN_KEY       ":check"      /* for tlsrpt_key_domain() */
#define TLSRPT_VERSIONS_KEY   ":served"
#define TLSRPT_SEEN_SIZE      262144        /* bytes of JSON, at most */

#define TLSRPT_SEEN_TXT       16            /* at most, of each */
#define TLSRPT_SEEN_HOSTS     16
#define TLSRPT_SEEN_SERVERS   16
#define TLSRPT_SEEN_CHAIN     10
#define TLSRPT_SEEN_NAMES     32
#define TLSRPT_SEEN_TLSA      16
#define TLSRPT_SEEN_VERSIONS  32

/* A question of which the answer may not be known. */
typedef enum {
    TLSRPT_SEEN_UNKNOWN = -1,
    TLSRPT_SEEN_NO,
    TLSRPT_SEEN_YES
} tlsrpt_seen_bool_t;

/* One look at a name in DNS.  Times are seconds; at 0: there never was one. */
typedef struct {
    int64_t             at;                 /* the last look, failed or not */
    int64_t             since;              /* it answers what it does */
    tlsrpt_seen_bool_t  ad;                 /* validated by DNSSEC */
    tlsrpt_str_t        alias;              /* where a CNAME ends */
    tlsrpt_str_t        error;              /* len 0: the last look got an
                                               answer */
    tlsrpt_str_t        bogus;              /* "MX example.com": an answer that
                                               DNSSEC does not verify was all
                                               it got; else len 0 */
    tlsrpt_str_t        txt[TLSRPT_SEEN_TXT];
    size_t              ntxt;
    int                 has_changed;        /* since the first look */
} tlsrpt_look_t;

typedef struct {
    tlsrpt_str_t  host;                     /* normalized by who looked */
    unsigned      preference;
} tlsrpt_seen_mx_t;

typedef struct {
    tlsrpt_str_t  subject;
    tlsrpt_str_t  issuer;
    int64_t       not_before;
    int64_t       not_after;
} tlsrpt_seen_certificate_t;

/* What was sent, the leaf first. */
typedef struct {
    tlsrpt_seen_certificate_t  chain[TLSRPT_SEEN_CHAIN];
    size_t                     nchain;
    tlsrpt_str_t               names[TLSRPT_SEEN_NAMES];    /* DNS-IDs of the
                                               leaf (RFC 9525 6.1) */
    size_t                     nnames;
} tlsrpt_seen_chain_t;

typedef struct {
    int64_t              at;
    int64_t              since;             /* it has this result */
    tlsrpt_str_t         result;            /* as doc/checks.md lists them; len
                                               0: it was never fetched */
    tlsrpt_str_t         detail;            /* for people; may be empty */
    tlsrpt_str_t         type;              /* of the content */
    int                  status;            /* of HTTP; 0: none */
    tlsrpt_str_t         text;              /* data NULL: none was got */
    tlsrpt_str_t         other_agent;       /* a User-Agent that got another
                                               answer, its result, ... */
    tlsrpt_str_t         other_result;
    int                  other_status;
    tlsrpt_str_t         bad_address;       /* an address that failed where
                                               another did not */
    tlsrpt_str_t         bad_result;
    tlsrpt_seen_chain_t  tls;
} tlsrpt_seen_policy_t;

typedef struct {
    tlsrpt_str_t         host;
    tlsrpt_str_t         address;
    int64_t              at;
    int64_t              since;
    tlsrpt_str_t         result;
    tlsrpt_str_t         detail;
    tlsrpt_str_t         bogus;             /* "TLSA _25._tcp.mx.example.com",
                                               as above */
    int                  verify;            /* OpenSSL's X509_V_..., 0: trusted;
                                               -1: not known */
    tlsrpt_str_t         verify_text;
    tlsrpt_seen_chain_t  tls;
    tlsrpt_seen_bool_t   tlsa_ad;           /* of the TLSA answer */
    tlsrpt_seen_bool_t   tlsa_match;
    tlsrpt_str_t         tlsa[TLSRPT_SEEN_TLSA];    /* "3 1 1 hex" */
    size_t               ntlsa;
} tlsrpt_seen_server_t;

typedef struct {
    json_t                *json;            /* owned; what is below borrows */
    int64_t                at;
    int64_t                changed;
    tlsrpt_seen_bool_t     dnssec;          /* can the resolver tell? */
    tlsrpt_look_t          reporting;       /* _smtp._tls */
    tlsrpt_look_t          sts;             /* _mta-sts */
    tlsrpt_look_t          mx;              /* txt: none */
    int                    is_null_mx;      /* RFC 7505 */
    tlsrpt_seen_mx_t       hosts[TLSRPT_SEEN_HOSTS];
    size_t                 nhosts;
    tlsrpt_seen_policy_t   policy;
    tlsrpt_seen_server_t   servers[TLSRPT_SEEN_SERVERS];
    size_t                 nservers;
} tlsrpt_seen_t;

/* 0, or -1: not such JSON, or no memory; then nothing was seen, and there is
   nothing to free. */
int tlsrpt_seen_read(tlsrpt_str_t text, tlsrpt_seen_t *seen) TLSRPT_MUST_USE;
void tlsrpt_seen_free(tlsrpt_seen_t *seen);

/* NULL: it was not asked. */
const tlsrpt_seen_server_t *tlsrpt_seen_server(const tlsrpt_seen_t *seen,
    tlsrpt_str_t host);


/* The policies that were served. */

typedef struct {
    tlsrpt_str_t   id;
    int            mode;
    int64_t        max_age;                 /* seconds */
    const json_t  *mx;                      /* of strings */
    int64_t        first;                   /* seconds: known to be served */
    int64_t        last;
} tlsrpt_version_t;

typedef struct {
    json_t            *json;                /* owned; what is below borrows */
    tlsrpt_version_t   list[TLSRPT_SEEN_VERSIONS];  /* the newest first */
    size_t             n;
    int                ended;               /* the newest is served no more */
    tlsrpt_str_t       rua[TLSRPT_SEEN_TXT];    /* as the record shall have */
    size_t             nrua;
} tlsrpt_versions_t;

/* As tlsrpt_seen_read(). */
int tlsrpt_versions_read(tlsrpt_str_t text, tlsrpt_versions_t *versions)
    TLSRPT_MUST_USE;
void tlsrpt_versions_free(tlsrpt_versions_t *versions);

/* What is served now; NULL: nothing that is known. */
const tlsrpt_version_t *tlsrpt_versions_now(const tlsrpt_versions_t *versions,
    int64_t now);
/* 0, or -1: it is none that could be served. */
int tlsrpt_version_policy(const tlsrpt_version_t *version,
    mta_sts_policy_t *policy) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_SEEN_H */
