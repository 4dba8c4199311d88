/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a change of a record does to the keys that lead to it: found by what the
 * record was, and what it is.
 */

#ifndef TLSRPT_REGISTRY_OPS_H
#define TLSRPT_REGISTRY_OPS_H

#include "tlsrpt_registry_record.h"

#pragma GCC visibility push(hidden)

/* As registry_put.lua names them. */
typedef enum {
    TLSRPT_OP_LIMIT = 0,
    TLSRPT_OP_FREE,
    TLSRPT_OP_NOBODY,
    TLSRPT_OP_SAME,
    TLSRPT_OP_ZADD,
    TLSRPT_OP_KEEP,
    TLSRPT_OP_HSET,
    TLSRPT_OP_ZREM,
    TLSRPT_OP_HDEL
} tlsrpt_op_t;

/* The arguments that follow "what" and the key; texts live as long as the
   record, or are literals. */
typedef struct {
    tlsrpt_op_t    what;
    const char    *key;                     /* suffix of it: ":owner:" */
    tlsrpt_str_t   of;                      /* whose; data NULL: none */
    tlsrpt_str_t   text;
    int64_t        number;
    int            has_number;              /* it stands behind the text, before
                                               it with _ZADD and _KEEP */
    tlsrpt_str_t   value;
} tlsrpt_registry_op_t;

struct tlsrpt_registry_ops {
    tlsrpt_registry_op_t  *list;
    size_t                 n;
    int                    failed;          /* no memory */
};

typedef struct tlsrpt_registry_ops  tlsrpt_registry_ops_t;

/* What leads to a record: of each enrolment. */
typedef struct {
    tlsrpt_str_t  owner;
    tlsrpt_str_t  token;
    tlsrpt_str_t  same_as;
} tlsrpt_registry_way_t;

typedef struct {
    tlsrpt_registry_way_t  ways[TLSRPT_RECORD_PENDING + 2];
    size_t                 n;
    int                    exists;          /* is there a record? */
    int64_t                ends;
} tlsrpt_registry_view_t;

void tlsrpt_registry_view(tlsrpt_registry_view_t *view,
    const tlsrpt_registry_record_t *record);

/* When something of it is over by time alone; 0: nothing will be. */
int64_t tlsrpt_registry_ends(const tlsrpt_registry_record_t *record);

/* Adds what is to be done, of a record that is now; gone: it is to be none.  */
void tlsrpt_registry_ops_add(tlsrpt_registry_ops_t *ops, tlsrpt_str_t domain,
    const tlsrpt_registry_view_t *was, const tlsrpt_registry_record_t *now,
    int gone);

/* One by itself; the op is copied. */
void tlsrpt_registry_op(tlsrpt_registry_ops_t *ops, tlsrpt_registry_op_t op);

void tlsrpt_registry_ops_free(tlsrpt_registry_ops_t *ops);

#pragma GCC visibility pop

#endif /* TLSRPT_REGISTRY_OPS_H */
