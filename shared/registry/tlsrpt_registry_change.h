/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * All that becomes of a domain in the registry: a record, and what is done or
 * seen, becomes the next record and what is to be written of it.  A host goes
 *
 *     HGET (tlsrpt_registry_get), tlsrpt_registry_record_of
 *     a change of below
 *     tlsrpt_registry_put_command, tlsrpt_registry_put_result
 *
 * and begins again where somebody else was first, TLSRPT_CHANGE_TRIES times at
 * most.  The record is changed in place: after a change it is what is to be
 * written, and what is answered once it was.
 */

#ifndef TLSRPT_REGISTRY_CHANGE_H
#define TLSRPT_REGISTRY_CHANGE_H

#include "tlsrpt_enrol_body.h"
#include "tlsrpt_registry_proof.h"
#include "tlsrpt_registry_record.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_CHANGE_TRIES   8
/* For token, value, epoch. */
#define TLSRPT_CHANGE_RANDOM  (3 * TLSRPT_TOKEN_BYTES)

/* Who, when. */
typedef struct {
    tlsrpt_str_t          domain;           /* normalized */
    int64_t               now;              /* seconds */
    int                   is_operator;      /* else owner asks */
    tlsrpt_str_t          owner;
    size_t                max;              /* domains of an owner; 0: any */
    unsigned char         random[TLSRPT_CHANGE_RANDOM];     /* new each time */
} tlsrpt_change_how_t;

/* Another domain whose policy is, or was, or shall be this one's. */
typedef struct {
    int            exists;                  /* held, or configured */
    int            is_configured;
    int            is_leaving;
    int            follows;                 /* is itself same-as another */
    tlsrpt_str_t   owner;                   /* data NULL: the operator */
    int64_t        held;                    /* senders may hold a version of its
                                               policy until then; 0: none */
    uint64_t       version;                 /* of its record */
    const tlsrpt_enrolment_t  *holder;      /* NULL: configured, or nobody */
} tlsrpt_other_t;

/* Of its record, which it borrows from; or of one that is configured, with the
   max_age of its policy (0: it has none).  Who looks in DNS knows nothing of
   configurations: with MTA_STS_MAX_AGE for one that is in no record. */
void tlsrpt_other_enrolled(tlsrpt_other_t *other,
    const tlsrpt_registry_record_t *record, int64_t now);
void tlsrpt_other_configured(tlsrpt_other_t *other, uint32_t max_age,
    int64_t now);

enum {
    TLSRPT_CHANGE_OK = 0,                   /* to be written */
    TLSRPT_CHANGE_NOTHING,                  /* it is so already */
    TLSRPT_CHANGE_FORBIDDEN,                /* 403 */
    TLSRPT_CHANGE_UNKNOWN,                  /* 404 */
    TLSRPT_CHANGE_CONFLICT,                 /* 409 */
    TLSRPT_CHANGE_INVALID,                  /* 422 */
    TLSRPT_CHANGE_NEWER,                    /* 503: by a later version */
    TLSRPT_CHANGE_MEMORY                    /* 503 */
};

typedef struct {
    int                        status;      /* TLSRPT_CHANGE_... */
    char                       text[512];   /* what is wrong, for people */
    const char                *member;      /* of the body; "": of none */

    const tlsrpt_enrolment_t  *enrolment;   /* put: the one of who asks; looked:
                                               the holder, if it is new.  NULL:
                                               none */
    int                        created;     /* put: 201, else 200 */
    int                        removed;     /* leave: nothing is left of it */
    int64_t                    until;       /* leave: senders may hold a version
                                               until then; 0: none */
    int                        passed;      /* to another owner */
    int64_t                    look;        /* looked: when to do that next, 0:
                                               never; where NOTHING is to be
                                               written, tlsrpt_registry_look()
                                               says so; -1: as it was */

    /* What is to be written: tlsrpt_registry_put.h. */
    tlsrpt_buf_t               json;        /* len 0: the record goes */
    struct tlsrpt_registry_ops  *ops;       /* tlsrpt_registry_ops.h */
    json_t                    *events;
    tlsrpt_str_t               domain;
    uint64_t                   version;     /* that was read */
    char                       epoch[TLSRPT_TOKEN_LEN + 1];
} tlsrpt_change_t;

/* All zeroes is an empty one.  A change empties it first; texts in it live as
   long as the record. */
void tlsrpt_change_free(tlsrpt_change_t *change);


/* The enrolment that a PUT of who asks would change; NULL: it would be new.
   body: NULL for a DELETE. */
tlsrpt_enrolment_t *tlsrpt_change_target(const tlsrpt_registry_record_t *record,
    const tlsrpt_change_how_t *how, const tlsrpt_enrol_body_t *body);

/* PUT.  next: of body->same_as, was: of the same_as of the target; each NULL
   where there is none.  That the domain is not configured here, nor refused
   (tlsrpt_enrolment_refused), the host has seen to. */
void tlsrpt_change_put(tlsrpt_change_t *change,
    tlsrpt_registry_record_t *record, const tlsrpt_change_how_t *how,
    const tlsrpt_enrol_body_t *body, const tlsrpt_other_t *next,
    const tlsrpt_other_t *was);

/* DELETE.  at_once: ?now=1, which is 403 of an owner; followers: who is same-as
   this one (tlsrpt_registry_followers), for the answer 409.  The operator's is
   of the holder, or, where there is none, of all that wait. */
void tlsrpt_change_leave(tlsrpt_change_t *change,
    tlsrpt_registry_record_t *record, const tlsrpt_change_how_t *how,
    int at_once, const tlsrpt_other_t *was, const tlsrpt_str_t *followers,
    size_t nfollowers);

/* DNS was looked at.  Of how: domain, now, random; nobody asks.  was: of the
   same_as of the holder, NULL where it has none.  Where it passed on, those
   that follow it get the policy as their own: tlsrpt_change_unfollow(). */
void tlsrpt_change_looked(tlsrpt_change_t *change,
    tlsrpt_registry_record_t *record, const tlsrpt_change_how_t *how,
    const tlsrpt_shown_t *shown, const tlsrpt_other_t *was);

/* Time alone has passed: what is over goes.  pointing: names of the records
   that still lead here, as DNS shows them, told with domain-left. */
void tlsrpt_change_expire(tlsrpt_change_t *change,
    tlsrpt_registry_record_t *record, const tlsrpt_change_how_t *how,
    const tlsrpt_str_t *pointing, size_t npointing);

/* The domain that it follows has passed to another owner, who shall not set its
   policy: it keeps what that one had before, by itself.  name: of that. */
void tlsrpt_change_unfollow(tlsrpt_change_t *change,
    tlsrpt_registry_record_t *record, const tlsrpt_change_how_t *how,
    tlsrpt_str_t name, const tlsrpt_registry_record_t *other);

#pragma GCC visibility pop

#endif /* TLSRPT_REGISTRY_CHANGE_H */
