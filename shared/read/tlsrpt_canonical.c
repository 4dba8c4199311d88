/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include "tlsrpt_canonical.h"


#define SIZE       2048                     /* of the entries, at first */
#define SIZE_KEPT  65536                    /* over a reset */
#define KEPT       64                       /* policies and details */


/*
 * Life
 */

void
tlsrpt_canonical_free(tlsrpt_canonical_t *c)
{
    free(c->data);
    free(c->policies);
    free(c->details);
    memset(c, 0, sizeof(*c));
}


void
tlsrpt_canonical_reset(tlsrpt_canonical_t *c)
{
    if (c->size > SIZE_KEPT || c->policies_size > KEPT
        || c->details_size > KEPT)
    {
        tlsrpt_canonical_free(c);
    }

    c->len = 0;
    c->npolicies = 0;
    c->ndetails = 0;
    c->last = 0;
    c->mixed = 0;
    c->failed = 0;
    memset(c->head, 0, sizeof(c->head));
}


int
tlsrpt_canonical_grow(tlsrpt_canonical_t *c, size_t len)
{
    char    *p;
    size_t   size = c->size ? 2 * c->size : SIZE;

    while (size - c->len < len + TLSRPT_CANON_EXTRA) {
        size *= 2;
    }

    p = c->failed ? NULL : realloc(c->data, size);

    if (p == NULL) {
        c->failed = 1;
        return -1;
    }

    c->data = p;
    c->size = size;

    return 0;
}


/* Room for one item more of an array. */

static int
grow_array(tlsrpt_canonical_t *c, void **array, size_t item, size_t n,
    size_t *size)
{
    void    *p;
    size_t   want = *size ? 2 * *size : 8;

    if (n < *size) {
        return 0;
    }

    p = realloc(*array, want * item);

    if (p == NULL) {
        c->failed = 1;
        return -1;
    }

    *array = p;
    *size = want;

    return 0;
}


/*
 * Objects
 */

void
tlsrpt_canonical_begin_policy(tlsrpt_canonical_t *c)
{
    void                       *p = c->policies;
    tlsrpt_canonical_policy_t  *policy;

    if (grow_array(c, &p, sizeof(*policy), c->npolicies, &c->policies_size)
        != 0)
    {
        return;
    }

    c->policies = p;
    policy = &c->policies[c->npolicies++];
    memset(policy, 0, sizeof(*policy));
    policy->first = c->ndetails;
}


void
tlsrpt_canonical_open(tlsrpt_canonical_t *c)
{
    c->open = c->len;
    c->last = 0;
    c->mixed = 0;
}


size_t
tlsrpt_canonical_entry(const char *p, unsigned *member, tlsrpt_str_t *value)
{
    size_t    n = 1;
    unsigned  shift = 0;

    *member = (unsigned char) p[0];
    value->len = 0;

    do {
        value->len |= (size_t) ((unsigned char) p[n] & 0x7f) << shift;
        shift += 7;
    } while ((unsigned char) p[n++] & 0x80);

    value->data = p + n;

    return n + value->len;
}


/* Brings the entries of the open object into the order of their members. */

static void
sort_entries(tlsrpt_canonical_t *c)
{
    char          *to, *from = c->data + c->open;
    size_t         n, len = c->len - c->open;
    unsigned       member;
    tlsrpt_str_t   value;
    char          *copy = malloc(len);

    if (copy == NULL) {
        c->failed = 1;
        return;
    }

    memcpy(copy, from, len);
    to = from;

    for (unsigned want = 1; want <= TLSRPT_CANON_MOST; want++) {
        for (size_t at = 0; at < len; at += n) {
            n = tlsrpt_canonical_entry(copy + at, &member, &value);

            if (member == want) {
                memcpy(to, copy + at, n);
                to += n;
            }
        }
    }

    free(copy);
}


/* Ends the open object. */

static tlsrpt_canonical_part_t
take_object(tlsrpt_canonical_t *c)
{
    tlsrpt_canonical_part_t  part = { c->open, 0 };

    if (c->len == c->open || c->failed) {
        return part;
    }

    if (c->mixed) {
        sort_entries(c);
    }

    c->data[c->len++] = '\0';               /* _add left room for it */
    part.len = c->len - c->open;

    return part;
}


void
tlsrpt_canonical_end_policy(tlsrpt_canonical_t *c)
{
    if (!c->failed) {
        c->policies[c->npolicies - 1].policy = take_object(c);
    }
}


void
tlsrpt_canonical_end_summary(tlsrpt_canonical_t *c)
{
    if (!c->failed) {
        c->policies[c->npolicies - 1].summary = take_object(c);
    }
}


void
tlsrpt_canonical_end_detail(tlsrpt_canonical_t *c, size_t kept)
{
    void                       *p = c->details;
    tlsrpt_canonical_detail_t   detail;
    tlsrpt_canonical_policy_t  *policy;

    detail.kept = kept;
    detail.entries = take_object(c);

    if (c->failed) {
        return;
    }

    policy = &c->policies[c->npolicies - 1];

    if (detail.entries.len == 0) {
        policy->nempty += kept == TLSRPT_CANON_NOT_KEPT;
        return;
    }

    if (grow_array(c, &p, sizeof(detail), c->ndetails, &c->details_size)
        == 0)
    {
        c->details = p;
        c->details[c->ndetails++] = detail;
        policy->ndetails++;
    }
}
