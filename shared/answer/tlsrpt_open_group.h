/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What is open of one result-type and cause, over any domains.
 */

#ifndef TLSRPT_OPEN_GROUP_H
#define TLSRPT_OPEN_GROUP_H

#include "tlsrpt_str.h"
#include "tlsrpt_time.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_OPEN_ID_LEN   16             /* hex digits */
#define TLSRPT_OPEN_DOMAINS  50             /* that it names: the worst */
#define TLSRPT_OPEN_NAMES    3              /* of its servers, and senders */

/* How bad it is: by severity, then by lost mail, then by sessions. */
typedef struct {
    int       severity;                     /* 3 high, 2 medium, 1 low */
    int       lost;                         /* 3 yes, 2 perhaps, 1 no */
    uint64_t  failed;
} tlsrpt_open_rank_t;

typedef struct {
    tlsrpt_open_rank_t  rank;
    json_t             *name;
} tlsrpt_open_member_t;

typedef struct {
    char                  id[TLSRPT_OPEN_ID_LEN + 1];
    tlsrpt_open_rank_t    rank;             /* of all of it; failed: the sum */
    tlsrpt_open_rank_t    worst;            /* of the domain that it is told
                                               of: */
    json_t               *type;             /* NULL: not given */
    json_t               *title;
    json_t               *lost_mail;
    char                 *steps;            /* JSON, as it is small so; NULL */

    int                   ongoing;
    char                  first[TLSRPT_DAY_TEXT_LEN + 1];
    char                  last[TLSRPT_DAY_TEXT_LEN + 1];
    json_t               *servers;          /* arrays, the worst domain's
                                               first */
    json_t               *senders;

    tlsrpt_open_member_t *members;          /* the worst, in order */
    size_t                nmembers;
    size_t                size;
    size_t                ndomains;
} tlsrpt_open_group_t;

/* A text of an object; not given where there is none. */
tlsrpt_str_t tlsrpt_open_text(const json_t *object, const char *name);

/* Of an entry of a state's "open"; -1: it is none that was written by us. */
int tlsrpt_open_rank(tlsrpt_open_rank_t *rank, const json_t *entry)
    TLSRPT_MUST_USE;

/* Below 0: a is worse; of groups 0 is the same one. */
int tlsrpt_open_rank_order(const tlsrpt_open_rank_t *a,
    const tlsrpt_open_rank_t *b);
int tlsrpt_open_group_order(const tlsrpt_open_group_t *a,
    const tlsrpt_open_group_t *b);

/* All zeroes but for its id is an empty one.  Adds what a domain has open; name
   is NUL ended.  0, or -1: no memory. */
int tlsrpt_open_group_add(tlsrpt_open_group_t *g, tlsrpt_str_t name,
    const tlsrpt_open_rank_t *rank, const json_t *problem) TLSRPT_MUST_USE;
void tlsrpt_open_group_free(tlsrpt_open_group_t *g);

/* As BASE/problems has it; NULL: no memory. */
json_t *tlsrpt_open_group_json(const tlsrpt_open_group_t *g) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_OPEN_GROUP_H */
