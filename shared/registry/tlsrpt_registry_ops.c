/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>

#include "tlsrpt_registry_ops.h"


void
tlsrpt_registry_ops_free(tlsrpt_registry_ops_t *ops)
{
    if (ops != NULL) {
        free(ops->list);
        free(ops);
    }
}


void
tlsrpt_registry_op(tlsrpt_registry_ops_t *ops, tlsrpt_registry_op_t op)
{
    tlsrpt_registry_op_t  *list = realloc(ops->list,
                                          (ops->n + 1) * sizeof(*list));

    if (list == NULL) {
        ops->failed = 1;
        return;
    }

    ops->list = list;
    list[ops->n++] = op;
}


/*
 * What leads to a record
 */

static void
add_way(tlsrpt_registry_view_t *view, const tlsrpt_enrolment_t *e)
{
    tlsrpt_registry_way_t  *way = &view->ways[view->n++];

    way->owner = e->owner;
    way->token = e->token;
    way->same_as = e->same_as;
}


void
tlsrpt_registry_view(tlsrpt_registry_view_t *view,
    const tlsrpt_registry_record_t *record)
{
    view->n = 0;
    view->exists = !tlsrpt_registry_record_is_empty(record);
    view->ends = tlsrpt_registry_ends(record);

    if (record->holder) {
        add_way(view, record->holder);
    }

    for (size_t i = 0; i < record->npending; i++) {
        add_way(view, record->pending[i]);
    }
}


static void
sooner(int64_t *ends, int64_t time)
{
    if (time && (*ends == 0 || time < *ends)) {
        *ends = time;
    }
}


int64_t
tlsrpt_registry_ends(const tlsrpt_registry_record_t *record)
{
    int64_t                    ends = 0;
    const tlsrpt_enrolment_t  *e = record->holder;

    if (e && e->state == TLSRPT_LEAVING) {
        sooner(&ends, e->ends);

    } else if (e && e->mode == -1 && e->same_as.data == NULL) {
        sooner(&ends, e->held);
    }

    if (record->npending) {
        sooner(&ends, record->pending[0]->since + TLSRPT_PENDING_SECONDS);
    }

    if (record->left) {
        sooner(&ends, record->left + (record->left_owner.data
                                      ? TLSRPT_WITHDRAWN_SECONDS
                                      : TLSRPT_LEFT_SECONDS));
    }

    return ends;
}


/*
 * What is different
 */

typedef tlsrpt_str_t (*way_pt)(const tlsrpt_registry_way_t *way);


static tlsrpt_str_t
way_owner(const tlsrpt_registry_way_t *way)
{
    return way->owner;
}


static tlsrpt_str_t
way_token(const tlsrpt_registry_way_t *way)
{
    return way->token;
}


static tlsrpt_str_t
way_same_as(const tlsrpt_registry_way_t *way)
{
    return way->same_as;
}


static int
has(const tlsrpt_registry_view_t *view, way_pt way, tlsrpt_str_t text)
{
    for (size_t i = 0; i < view->n; i++) {
        if (tlsrpt_str_equal(way(&view->ways[i]), text)) {
            return 1;
        }
    }

    return 0;
}


static void
zadd(tlsrpt_registry_ops_t *ops, const char *key, tlsrpt_str_t of,
    tlsrpt_str_t member, int64_t score)
{
    tlsrpt_registry_op(ops, (tlsrpt_registry_op_t) {
        .what = TLSRPT_OP_ZADD, .key = key, .of = of, .text = member,
        .number = score, .has_number = 1 });
}


static void
zrem(tlsrpt_registry_ops_t *ops, const char *key, tlsrpt_str_t of,
    tlsrpt_str_t member)
{
    tlsrpt_registry_op(ops, (tlsrpt_registry_op_t) {
        .what = TLSRPT_OP_ZREM, .key = key, .of = of, .text = member });
}


static void
add_tokens(tlsrpt_registry_ops_t *ops, tlsrpt_str_t domain,
    const tlsrpt_registry_view_t *was, const tlsrpt_registry_view_t *is)
{
    tlsrpt_registry_op_t  op = { .key = ":tokens" };

    for (size_t i = 0; i < is->n; i++) {
        if (!has(was, way_token, is->ways[i].token)) {
            op.text = is->ways[i].token;
            op.what = TLSRPT_OP_FREE;
            tlsrpt_registry_op(ops, op);
            op.what = TLSRPT_OP_HSET;
            op.value = domain;
            tlsrpt_registry_op(ops, op);
        }
    }

    op.what = TLSRPT_OP_HDEL;
    op.value = (tlsrpt_str_t) { NULL, 0 };

    for (size_t i = 0; i < was->n; i++) {
        if (!has(is, way_token, was->ways[i].token)) {
            op.text = was->ways[i].token;
            tlsrpt_registry_op(ops, op);
        }
    }
}


/* The domain in sets that are called by what is in its ways. */

static void
add_sets(tlsrpt_registry_ops_t *ops, tlsrpt_str_t domain, const char *key,
    way_pt way, const tlsrpt_registry_view_t *was,
    const tlsrpt_registry_view_t *is)
{
    tlsrpt_str_t  name;

    for (size_t i = 0; i < is->n; i++) {
        name = way(&is->ways[i]);

        if (name.data && !has(was, way, name)) {
            zadd(ops, key, name, domain, 0);
        }
    }

    for (size_t i = 0; i < was->n; i++) {
        name = way(&was->ways[i]);

        if (name.data && !has(is, way, name)) {
            zrem(ops, key, name, domain);
        }
    }
}


static void
add_rest(tlsrpt_registry_ops_t *ops, tlsrpt_str_t domain,
    const tlsrpt_registry_view_t *was, const tlsrpt_registry_view_t *is)
{
    const tlsrpt_str_t  none = { NULL, 0 };

    if (is->exists && !was->exists) {
        zadd(ops, ":names", none, domain, 0);

    } else if (!is->exists && was->exists) {
        zrem(ops, ":names", none, domain);
    }

    if (is->ends && is->ends != was->ends) {
        zadd(ops, ":ends", none, domain, is->ends);

    } else if (is->ends == 0 && was->ends) {
        zrem(ops, ":ends", none, domain);
    }
}


void
tlsrpt_registry_ops_add(tlsrpt_registry_ops_t *ops, tlsrpt_str_t domain,
    const tlsrpt_registry_view_t *was, const tlsrpt_registry_record_t *now,
    int gone)
{
    tlsrpt_registry_view_t  is;

    tlsrpt_registry_view(&is, now);

    if (gone) {
        is.ends = 0;
    }

    add_tokens(ops, domain, was, &is);
    add_sets(ops, domain, ":owner:", way_owner, was, &is);
    add_sets(ops, domain, ":followers:", way_same_as, was, &is);
    add_rest(ops, domain, was, &is);
}
