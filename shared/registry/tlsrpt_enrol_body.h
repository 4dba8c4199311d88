/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The body of a PUT that enrols a domain, or changes it:
 *
 *     {"mode": "enforce|testing|none", "max-age": SECONDS,
 *      "mx": [PATTERN, ...], "contact": [ADDRESS, ...]}
 *     {"same-as": DOMAIN, "contact": [...]}
 *     {}
 *
 * and, of the operator, "verified": true, "owner": TEXT, "token": TEXT.
 * What is null is as if it were not there.
 */

#ifndef TLSRPT_ENROL_BODY_H
#define TLSRPT_ENROL_BODY_H

#include "tlsrpt_enrolment.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_ENROL_BODY_SIZE  32768       /* bytes */

typedef struct {
    mta_sts_policy_t  policy;               /* mode -1: none */
    char              same_as[TLSRPT_DOMAIN_LEN + 1];   /* "": none */
    char              contact[TLSRPT_ENROLMENT_CONTACTS]
                             [TLSRPT_CONTACT_LEN + 1];
    size_t            ncontact;
    int               verified;             /* the operator's four */
    char              owner[TLSRPT_OWNER_LEN + 1];      /* "": not given */
    char              token[TLSRPT_TOKEN_LEN + 1];      /* "": not given */
    char              value[TLSRPT_TOKEN_LEN + 1];      /* "verification": of
                                                           _tlsrpt-verify */
} tlsrpt_enrol_body_t;                      /* 18 kB: not on small stacks */

/* What is wrong, and where. */
typedef struct {
    char  member[96];                       /* "mx[2]", "": of none */
    char  text[512];
} tlsrpt_enrol_error_t;

/* 0; else the HTTP status, and error is filled: 400: no JSON object; 413: too
   large; 422: not as above; 503: no memory. */
unsigned tlsrpt_enrol_body_read(const char *text, size_t len,
    tlsrpt_enrol_body_t *body, tlsrpt_enrol_error_t *error) TLSRPT_MUST_USE;

/* The first of "verified", "owner", "token", "verification" that is given;
   NULL: none.  From an owner they are refused (403). */
const char *tlsrpt_enrol_body_of_operator(const tlsrpt_enrol_body_t *body);

#pragma GCC visibility pop

#endif /* TLSRPT_ENROL_BODY_H */
