/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a report says as its JSON has it, for its identity: the members of RFC
 * 8460 4.4 whole, before anything of them is bounded, mended or left out.
 *
 * Each value is one entry: its member's number, its length as a varint, its
 * bytes.  An object is its entries in the order of those numbers, and a 0.
 * Strings are as decoded, counts in decimal; what is absent, null or empty has
 * no entry.
 *
 * A report is nearly all failure details, and nearly all of a detail is kept as
 * it was sent.  So for a detail that is kept, only what was changed is here;
 * the rest is in the report.
 */

#ifndef TLSRPT_CANONICAL_H
#define TLSRPT_CANONICAL_H

#include "tlsrpt_str.h"

#pragma GCC visibility push(hidden)

/* The members by number, each within its object.  Never change one: identities
   depend on them.  Other spellings have numbers of their own. */
enum {
    TLSRPT_CANON_ORGANIZATION = 1, TLSRPT_CANON_CONTACT, TLSRPT_CANON_ID,
    TLSRPT_CANON_START, TLSRPT_CANON_END,
    TLSRPT_CANON_NHEAD,

    TLSRPT_CANON_TYPE = 1, TLSRPT_CANON_STRING, TLSRPT_CANON_DOMAIN,
    TLSRPT_CANON_MX_HOST, TLSRPT_CANON_MX_HOST_PATTERN,

    TLSRPT_CANON_SUCCESSFUL = 1, TLSRPT_CANON_FAILURE,

    TLSRPT_CANON_RESULT = 1, TLSRPT_CANON_SENDING_IP, TLSRPT_CANON_MX,
    TLSRPT_CANON_HELO, TLSRPT_CANON_RECEIVING_IP, TLSRPT_CANON_COUNT,
    TLSRPT_CANON_INFORMATION, TLSRPT_CANON_REASON,
    TLSRPT_CANON_MX_HOST_NAME, TLSRPT_CANON_INFO_URI,

    TLSRPT_CANON_MOST = TLSRPT_CANON_INFO_URI
};

#define TLSRPT_CANON_DIGEST_LEN  32

/* Bytes of the text of entries; len 0: there are none. */
typedef struct {
    size_t  at;
    size_t  len;
} tlsrpt_canonical_part_t;

/* Of a detail: where it is kept, its entries that differ from that (an empty
   one: it was not given); else all of its entries. */
typedef struct {
    size_t                   kept;          /* in the policy; or NOT_KEPT */
    tlsrpt_canonical_part_t  entries;
} tlsrpt_canonical_detail_t;

#define TLSRPT_CANON_NOT_KEPT  ((size_t) -1)

typedef struct {
    tlsrpt_canonical_part_t  policy;
    tlsrpt_canonical_part_t  summary;
    size_t                   first;         /* of the details, ascending */
    size_t                   ndetails;
    size_t                   nempty;        /* not kept, and say nothing */
    int                      unnamed;       /* it names no policy domain */
    int                      digested;      /* tlsrpt_identity.c has */
    unsigned char            digest[TLSRPT_CANON_DIGEST_LEN];
} tlsrpt_canonical_policy_t;

typedef struct tlsrpt_canonical {
    char                       *data;       /* the entries */
    size_t                      len;
    size_t                      size;
    tlsrpt_canonical_part_t     head[TLSRPT_CANON_NHEAD];   /* by member */
    tlsrpt_canonical_policy_t  *policies;   /* as many as the report's */
    size_t                      npolicies;
    size_t                      policies_size;
    tlsrpt_canonical_detail_t  *details;
    size_t                      ndetails;
    size_t                      details_size;

    size_t                      open;       /* where the open object begins */
    unsigned                    last;       /* member that was added */
    int                         mixed;      /* members came in another order */
    int                         failed;     /* out of memory, until a reset */
} tlsrpt_canonical_t;

/* All zeroes is an empty one.  _reset keeps what is small. */
void tlsrpt_canonical_reset(tlsrpt_canonical_t *c);
void tlsrpt_canonical_free(tlsrpt_canonical_t *c);

void tlsrpt_canonical_begin_policy(tlsrpt_canonical_t *c);
/* An object of the policy begun last: _open, its members, then the _end that
   says which object it was. */
void tlsrpt_canonical_open(tlsrpt_canonical_t *c);
void tlsrpt_canonical_end_policy(tlsrpt_canonical_t *c);
void tlsrpt_canonical_end_summary(tlsrpt_canonical_t *c);
/* kept: its place in the policy, or NOT_KEPT. */
void tlsrpt_canonical_end_detail(tlsrpt_canonical_t *c, size_t kept);

/* The length of the entry at p, and what is in it. */
size_t tlsrpt_canonical_entry(const char *p, unsigned *member,
    tlsrpt_str_t *value);

/* Makes room for an entry of len bytes; 0, or -1 and failed is set. */
int tlsrpt_canonical_grow(tlsrpt_canonical_t *c, size_t len) TLSRPT_MUST_USE;

/* Writes the entry, for which there is room. */

static inline char *
tlsrpt_canonical_put(char *p, unsigned member, const char *s, size_t len)
{
    size_t  rest = len;

    *p++ = (char) member;

    for ( ; rest > 127; rest >>= 7) {
        *p++ = (char) (rest | 0x80);
    }

    *p++ = (char) rest;
    __builtin_memcpy(p, s, len);

    return p + len;
}


/* What an entry takes besides the value, and the 0 that ends the object. */
#define TLSRPT_CANON_EXTRA  12

/* A value of the open object. */

static inline void
tlsrpt_canonical_add(tlsrpt_canonical_t *c, unsigned member, const char *s,
    size_t len)
{
    if (c->size - c->len < len + TLSRPT_CANON_EXTRA
        && tlsrpt_canonical_grow(c, len) != 0)
    {
        return;
    }

    c->mixed |= member < c->last;
    c->last = member;
    c->len = (size_t) (tlsrpt_canonical_put(c->data + c->len, member, s, len)
                       - c->data);
}


/* A value of the report itself, or of its date-range. */

static inline void
tlsrpt_canonical_add_head(tlsrpt_canonical_t *c, unsigned member,
    const char *s, size_t len)
{
    c->head[member].at = c->len;
    tlsrpt_canonical_add(c, member, s, len);
    c->head[member].len = c->len - c->head[member].at;
}


#pragma GCC visibility pop

#endif /* TLSRPT_CANONICAL_H */
