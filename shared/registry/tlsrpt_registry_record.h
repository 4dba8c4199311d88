/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the registry knows of a domain, as it is kept: a field of the hash
 * PREFIX:{registry}, "N JSON".  N is the registry's version that it was written
 * with.
 *
 *     {"v": 1,
 *      "holder": ENROLMENT?,                active or leaving
 *      "pending": [ENROLMENT, ...]?,        the oldest first
 *      "passing": {"owner": TEXT?, "since": SECOND}?,
 *                                           a pending one's proof shows, and
 *                                           the holder's no more
 *      "former": {"owner": TEXT?, "mode"?, "max-age"?, "mx"?, "served"?,
 *                 "held"?}?,               who held it before, and the policy
 *                                          that it had then
 *      "left": SECOND?, "owner": TEXT?}     nothing of it is left but this, so
 *                                           that all hear of it
 *
 *     ENROLMENT  {"owner": TEXT? (the operator's has none),
 *                 "state": "active|leaving" (not of a pending one),
 *                 "token", "value", "since", "mode"?, "max-age"?, "mx"?: [...],
 *                 "same-as"?, "same-owner"?: TEXT or null (the operator's;
 *                 without it: whose it is itself), "contact"?: [...],
 *                 "proved"?, "unproved"?, "told"?: true, "served"?, "held"?,
 *                 "ends"?}
 *
 * A record of a later "v" is left alone.
 */

#ifndef TLSRPT_REGISTRY_RECORD_H
#define TLSRPT_REGISTRY_RECORD_H

#include "tlsrpt_buf.h"
#include "tlsrpt_enrolment.h"
#include "tlsrpt_reply.h"
#include "tlsrpt_strings.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_RECORD_FORMAT    1
#define TLSRPT_RECORD_PENDING   256         /* at most; the oldest goes */
#define TLSRPT_RECORD_SIZE      262144      /* bytes of JSON; the longest of the
                                               pending ones goes */

/* How long it is kept that a domain has left; and that a pending one is
   withdrawn.  Who has not polled for the shorter of them loads all. */
#define TLSRPT_LEFT_SECONDS       (30 * 86400)
#define TLSRPT_WITHDRAWN_SECONDS  3600

typedef struct {
    uint64_t              version;          /* N; 0: there is no record */
    int                   newer;            /* of a later format: nothing else
                                               is known */
    tlsrpt_enrolment_t   *holder;           /* NULL: nobody */
    tlsrpt_enrolment_t   *former;           /* the holder before: its owner and
                                               policy alone; NULL: none */
    tlsrpt_enrolment_t  **pending;          /* the oldest first */
    size_t                npending;
    int64_t               left;             /* 0: there is something of it */
    tlsrpt_str_t          left_owner;       /* whose the last was, withdrawn
                                               before it was proved */
    int64_t               passing;          /* first look at it; 0: no */
    tlsrpt_str_t          passing_owner;
    tlsrpt_strings_t      strings;          /* where its texts live */
} tlsrpt_registry_record_t;

/* Reads the text of a field; NULL or an empty one: there is no record, so that
   an empty one comes.  NULL, and *broken says whether it cannot be read (by
   other hands than ours: leave it alone), or there is no memory. */
tlsrpt_registry_record_t *tlsrpt_registry_record_read(const char *text,
    size_t len, int *broken) TLSRPT_MUST_USE;
/* The same of what HGET, or an element of HMGET, replied. */
tlsrpt_registry_record_t *tlsrpt_registry_record_of(const tlsrpt_reply_t *reply,
    int *broken) TLSRPT_MUST_USE;
void tlsrpt_registry_record_destroy(tlsrpt_registry_record_t *record);

/* Appends its JSON, without N.  0, or -1: no memory. */
int tlsrpt_registry_record_write(const tlsrpt_registry_record_t *record,
    tlsrpt_buf_t *out) TLSRPT_MUST_USE;

/* The enrolment of an owner (data NULL: the operator); NULL: has none. */
tlsrpt_enrolment_t *tlsrpt_registry_record_find(
    const tlsrpt_registry_record_t *record, tlsrpt_str_t owner);
/* The one with the token, in constant time each; NULL: none has it. */
tlsrpt_enrolment_t *tlsrpt_registry_record_by_token(
    const tlsrpt_registry_record_t *record, tlsrpt_str_t token);

/* Nothing is left but that it was. */
int tlsrpt_registry_record_is_empty(const tlsrpt_registry_record_t *record);

/* For changes: a new enrolment, all zeroes but mode -1; and a text's copy.
   NULL, -1: no memory. */
tlsrpt_enrolment_t *tlsrpt_enrolment_create(void) TLSRPT_MUST_USE;
int tlsrpt_registry_record_add(tlsrpt_registry_record_t *record,
    tlsrpt_enrolment_t *e) TLSRPT_MUST_USE;
/* Takes it out of the pending ones and returns it. */
tlsrpt_enrolment_t *tlsrpt_registry_record_take(
    tlsrpt_registry_record_t *record, size_t i);
int tlsrpt_registry_record_copy(tlsrpt_registry_record_t *record,
    tlsrpt_str_t text, tlsrpt_str_t *copy) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_REGISTRY_RECORD_H */
