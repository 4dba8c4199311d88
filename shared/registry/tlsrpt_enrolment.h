/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * An enrolment: somebody has entered a domain at run time.  It waits (pending)
 * until DNS proves that it is his, is active then, and leaves by RFC 8461 8.3.
 */

#ifndef TLSRPT_ENROLMENT_H
#define TLSRPT_ENROLMENT_H

#include "mta_sts_policy.h"
#include "tlsrpt_domain.h"
#include "tlsrpt_str.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_ENROLMENT_NAME_LEN   238     /* "_tlsrpt-verify." fits before */
#define TLSRPT_ENROLMENT_CONTACTS   5
#define TLSRPT_CONTACT_LEN          254
#define TLSRPT_OWNER_LEN            128

/* Text of 128 random bits: RFC 4648 6 in lower case, without padding. */
#define TLSRPT_TOKEN_LEN            26
#define TLSRPT_TOKEN_BYTES          16

/* Served while a policy ends (RFC 8461 8.3); mode none. */
#define TLSRPT_LEAVING_MAX_AGE      86400

#define TLSRPT_PENDING_SECONDS      (14 * 86400)

typedef enum {
    TLSRPT_PENDING = 0,
    TLSRPT_ACTIVE,
    TLSRPT_LEAVING
} tlsrpt_enrolment_state_t;

/* Its strings live as long as the record it is in.  Times: seconds, 0: none. */
typedef struct {
    tlsrpt_str_t               owner;       /* data NULL: the operator */
    tlsrpt_enrolment_state_t   state;
    tlsrpt_str_t               token;       /* in reports' URI and address */
    tlsrpt_str_t               value;       /* of _tlsrpt-verify */
    int64_t                    since;       /* enrolled */
    int64_t                    proved;      /* what came before is not his */
    int64_t                    unproved;    /* first look without proof, after
                                               one with it */
    int                        told;        /* of that: domain-unproved */
    int                        mode;        /* MTA_STS_..., -1: no policy of
                                               its own */
    uint32_t                   max_age;
    tlsrpt_str_t               mx[MTA_STS_MAX_MX];      /* normalized */
    size_t                     nmx;
    tlsrpt_str_t               same_as;     /* data NULL: none */
    tlsrpt_str_t               same_owner;  /* whose same_as was when it was
                                               set; data NULL: the operator's,
                                               or a configured one */
    tlsrpt_str_t               contact[TLSRPT_ENROLMENT_CONTACTS];
    size_t                     ncontact;
    int64_t                    served;      /* what is set now is, since */
    int64_t                    held;        /* senders may hold an earlier
                                               version until then */
    int64_t                    ends;        /* leaving: then it has left */
} tlsrpt_enrolment_t;


/* Can the domain, normalized, be enrolled?  NULL: it can; else why not. */
const char *tlsrpt_enrolment_refused(tlsrpt_str_t domain);

/* An owner's name: 1 to TLSRPT_OWNER_LEN bytes of visible ASCII. */
int tlsrpt_owner_is_valid(tlsrpt_str_t owner);

/* "pending", "active", "leaving"; -1: no state. */
const char *tlsrpt_enrolment_state_name(tlsrpt_enrolment_state_t state);
int tlsrpt_enrolment_state(tlsrpt_str_t name);


/* A token of random bytes, NUL ended. */
void tlsrpt_token_make(const unsigned char random[TLSRPT_TOKEN_BYTES],
    char token[TLSRPT_TOKEN_LEN + 1]);
/* Is it spelled as one, in any case?  Then it is copied in lower case. */
int tlsrpt_token_read(tlsrpt_str_t text, char token[TLSRPT_TOKEN_LEN + 1]);
/* The same token?  Without case, and in a time that tells nothing. */
int tlsrpt_token_equal(tlsrpt_str_t a, tlsrpt_str_t b);
/* The token in a mail address, "local+TOKEN@host" or "local-TOKEN@host": 1, and
   in lower case, or 0.  Whatever stands before the last "+" or "-". */
int tlsrpt_token_of_address(tlsrpt_str_t address,
    char token[TLSRPT_TOKEN_LEN + 1]);


/* The policy that is served of it now: 1, or 0: none is, or that of same_as.
   What is leaving, or has lost its policy, serves "none" until it ends. */
int tlsrpt_enrolment_policy(const tlsrpt_enrolment_t *e, int64_t now,
    mta_sts_policy_t *policy);
/* Has it left, although nobody has taken it away yet? */
int tlsrpt_enrolment_is_over(const tlsrpt_enrolment_t *e, int64_t now);
/* Does it follow another, now? */
int tlsrpt_enrolment_follows(const tlsrpt_enrolment_t *e);
/* Has the holder of the domain that it follows (NULL: nobody) the policy that
   it was to follow?  Not where that has passed to another owner since. */
int tlsrpt_enrolment_is_led(const tlsrpt_enrolment_t *e,
    const tlsrpt_enrolment_t *holder);
/* Until when senders may hold a version of its own policy that was served up to
   now; 0: none was. */
int64_t tlsrpt_enrolment_held(const tlsrpt_enrolment_t *e, int64_t now);

#pragma GCC visibility pop

#endif /* TLSRPT_ENROLMENT_H */
