/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The groups of an answer: one for each combination of the keys' values.
 */

#ifndef TLSRPT_GROUP_H
#define TLSRPT_GROUP_H

#include "tlsrpt_packed.h"
#include "tlsrpt_query.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_MAX_GROUPS  65536            /* those beyond are (overflow) */

typedef struct {
    size_t    key;                          /* offset of the encoded values */
    size_t    len;
    uint64_t  reports;
    uint64_t  successful;
    uint64_t  failed;                      /* or failed sessions of details */
} tlsrpt_group_t;

typedef struct {
    unsigned               nby;
    const unsigned char   *by;              /* dimensions */
    size_t                 max;             /* groups; 0: TLSRPT_MAX_GROUPS */
    tlsrpt_group_t        *groups;
    size_t                 ngroups;
    size_t                 size;
    uint32_t              *slots;           /* index of a group + 1 */
    size_t                 nslots;          /* a power of two */
    tlsrpt_buf_t           keys;
} tlsrpt_groups_t;

/* values: TLSRPT_NDIMENSIONS of them.  NULL: no memory.  The group is valid
   until the next call. */
tlsrpt_group_t *tlsrpt_groups_find(tlsrpt_groups_t *groups,
    const tlsrpt_value_t *values) TLSRPT_MUST_USE;
void tlsrpt_groups_free(tlsrpt_groups_t *groups);

/* Takes the next value of an encoded key. */
tlsrpt_value_t tlsrpt_groups_value(const char **key);

/* The value as text in buf (TLSRPT_VALUE_LEN bytes) or where it is. */
#define TLSRPT_VALUE_LEN  64
tlsrpt_str_t tlsrpt_value_text(tlsrpt_value_t value, char *buf);
int tlsrpt_value_equal(tlsrpt_value_t a, tlsrpt_value_t b);

/* The text of a group's key, where there is one key. */
tlsrpt_str_t tlsrpt_groups_text(const tlsrpt_groups_t *groups,
    const tlsrpt_group_t *group, char *buf);

/* In the order of the answer; NULL: no memory.  free() it. */
const tlsrpt_group_t **tlsrpt_groups_sort(const tlsrpt_groups_t *groups)
    TLSRPT_MUST_USE;

/*
 * The same in turns, none of which takes long: sort as long as it answers 1;
 * 0: it is done; -1: no memory.  Then one after the other; NULL: that was all.
 * The groups are borrowed, and must not change meanwhile.
 */
typedef struct tlsrpt_order  tlsrpt_order_t;

tlsrpt_order_t *tlsrpt_order_create(const tlsrpt_groups_t *groups)
    TLSRPT_MUST_USE;
int tlsrpt_order_sort(tlsrpt_order_t *order) TLSRPT_MUST_USE;
const tlsrpt_group_t *tlsrpt_order_next(tlsrpt_order_t *order);
void tlsrpt_order_destroy(tlsrpt_order_t *order);

/* The first of them as an array, max at most, each as one() tells it; one()
   answers NULL where there is no memory, and so does this. */
json_t *tlsrpt_groups_json(const tlsrpt_groups_t *groups, size_t max,
    json_t *(*one)(const void *ctx, const tlsrpt_group_t *group),
    const void *ctx) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_GROUP_H */
