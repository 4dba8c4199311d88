/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Questions to name servers, and their answers (RFC 1035 4), as bytes: rspamd
 * moves them.  Answers are what strangers send.
 */

#ifndef TLSRPT_DNS_QUERY_H
#define TLSRPT_DNS_QUERY_H

#include <stddef.h>

#pragma GCC visibility push(hidden)

#define TLSRPT_DNS_MAX_QUESTION  272    /* header, name, type, class */
#define TLSRPT_DNS_MAX_ANSWER    65535
#define TLSRPT_DNS_MAX_RECORDS   64     /* of one name; more are left out */
#define TLSRPT_DNS_MAX_NAME      1025   /* as text, where each byte is \DDD */

typedef struct {
    const unsigned char  *data;
    size_t                len;
} tlsrpt_dns_rdata_t;

/* Of the question's name alone: what an answer adds of other names is not for
   this server to say. */
typedef struct {
    unsigned              rcode;
    unsigned              authoritative:1;
    unsigned              cut:1;        /* to be asked again by TCP */
    unsigned              authentic:1;  /* RFC 4035 3.2.3, by a resolver */
    char                  cname[TLSRPT_DNS_MAX_NAME];   /* "": none */
    size_t                nrecords;
    tlsrpt_dns_rdata_t    records[TLSRPT_DNS_MAX_RECORDS];  /* in the answer */
} tlsrpt_dns_answer_t;

/* Whom a question is for. */
typedef enum {
    TLSRPT_DNS_OF_ZONE = 0,             /* a server of the zone's own */
    TLSRPT_DNS_RESOLVER,                /* recursion is wanted, and whether the
                                           answer is authentic (RFC 6840 5.7) */
    TLSRPT_DNS_UNCHECKED                /* a resolver that shall not check it
                                           (RFC 4035 3.2.2) */
} tlsrpt_dns_whom_t;

/* The question; its length, 0 where the name cannot be asked for. */
size_t tlsrpt_dns_question(const char *name, unsigned type, unsigned id,
    tlsrpt_dns_whom_t whom, unsigned char buf[TLSRPT_DNS_MAX_QUESTION]);

/* 0: these bytes are no answer to that question. */
int tlsrpt_dns_answer(tlsrpt_dns_answer_t *answer, const unsigned char *bytes,
    size_t len, const char *name, unsigned type, unsigned id);

/* The strings of a TXT record as one (RFC 7208 3.3, RFC 8460 3); its length.
   buf: of at least rdata->len bytes. */
size_t tlsrpt_dns_text(const tlsrpt_dns_rdata_t *rdata, char *buf);

#pragma GCC visibility pop

#endif /* TLSRPT_DNS_QUERY_H */
