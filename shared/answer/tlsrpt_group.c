/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "tlsrpt_group.h"
#include "tlsrpt_hash.h"
#include "tlsrpt_result.h"


#define VALUE_SIZE    (1 + sizeof(uint16_t) + TLSRPT_MAX_STRING)
#define MAX_KEY_SIZE  (TLSRPT_NDIMENSIONS * VALUE_SIZE)


/*
 * Values
 */

int
tlsrpt_value_equal(tlsrpt_value_t a, tlsrpt_value_t b)
{
    return a.kind == b.kind && a.len == b.len
           && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}


tlsrpt_str_t
tlsrpt_value_text(tlsrpt_value_t value, char *buf)
{
    tlsrpt_str_t  s = { value.data, value.len };

    if (value.kind == TLSRPT_VALUE_NULL) {
        s.data = NULL;
        s.len = 0;

    } else if (value.kind == TLSRPT_VALUE_IP) {
        s.data = inet_ntop(value.len == 4 ? AF_INET : AF_INET6, value.data,
                           buf, TLSRPT_VALUE_LEN);
        s.len = s.data ? strlen(s.data) : 0;
    }

    return s;
}


/*
 * Keys
 */

static size_t
put_value(char *p, tlsrpt_value_t value)
{
    p[0] = (char) value.kind;
    memcpy(p + 1, &value.len, sizeof(value.len));

    if (value.len) {
        memcpy(p + 1 + sizeof(value.len), value.data, value.len);
    }

    return 1 + sizeof(value.len) + value.len;
}


tlsrpt_value_t
tlsrpt_groups_value(const char **key)
{
    tlsrpt_value_t  v;

    v.kind = (uint8_t) (*key)[0];
    memcpy(&v.len, *key + 1, sizeof(v.len));
    v.data = *key + 1 + sizeof(v.len);
    *key = v.data + v.len;

    return v;
}


tlsrpt_str_t
tlsrpt_groups_text(const tlsrpt_groups_t *groups, const tlsrpt_group_t *group,
    char *buf)
{
    const char  *key = groups->keys.data + group->key;

    return tlsrpt_value_text(tlsrpt_groups_value(&key), buf);
}


static size_t
put_key(const tlsrpt_groups_t *groups, const tlsrpt_value_t *values, char *key)
{
    size_t  n = 0;

    for (unsigned i = 0; i < groups->nby; i++) {
        n += put_value(key + n, values[groups->by[i]]);
    }

    return n;
}


static size_t
put_overflow_key(const tlsrpt_groups_t *groups, const tlsrpt_value_t *values,
    char *key)
{
    tlsrpt_value_t  all[TLSRPT_NDIMENSIONS];

    for (unsigned i = 0; i < TLSRPT_NDIMENSIONS; i++) {
        all[i] = i == TLSRPT_BY_DAY ? values[i]
                 : tlsrpt_value_of(TLSRPT_OVERFLOW,
                                   sizeof(TLSRPT_OVERFLOW) - 1);
    }

    return put_key(groups, all, key);
}


/*
 * The table
 */

static size_t
find_slot(const tlsrpt_groups_t *groups, const char *key, size_t len)
{
    size_t  i;

    i = (size_t) tlsrpt_hash(tlsrpt_hash_seed(groups), key, len)
        & (groups->nslots - 1);

    for ( ; groups->slots[i]; i = (i + 1) & (groups->nslots - 1)) {
        const tlsrpt_group_t  *g = &groups->groups[groups->slots[i] - 1];

        if (g->len == len
            && memcmp(groups->keys.data + g->key, key, len) == 0)
        {
            break;
        }
    }

    return i;
}


static int
grow(tlsrpt_groups_t *groups)
{
    size_t           size = groups->size ? groups->size * 2 : 32;
    uint32_t        *slots;
    tlsrpt_group_t  *p;

    p = realloc(groups->groups, size * sizeof(*p));

    if (p == NULL) {
        return -1;
    }

    groups->groups = p;
    slots = calloc(size * 2, sizeof(*slots));

    if (slots == NULL) {
        return -1;
    }

    free(groups->slots);
    groups->slots = slots;
    groups->nslots = size * 2;
    groups->size = size;

    for (size_t i = 0; i < groups->ngroups; i++) {
        size_t  slot = find_slot(groups, groups->keys.data + p[i].key,
                                 p[i].len);

        slots[slot] = (uint32_t) i + 1;
    }

    return 0;
}


static tlsrpt_group_t *
add(tlsrpt_groups_t *groups, size_t slot, const char *key, size_t len)
{
    tlsrpt_group_t  *g = &groups->groups[groups->ngroups];

    memset(g, 0, sizeof(*g));
    g->key = groups->keys.len;
    g->len = len;
    tlsrpt_buf_add(&groups->keys, key, len);

    if (groups->keys.failed) {
        return NULL;
    }

    groups->slots[slot] = (uint32_t) ++groups->ngroups;

    return g;
}


tlsrpt_group_t *
tlsrpt_groups_find(tlsrpt_groups_t *groups, const tlsrpt_value_t *values)
{
    char    key[MAX_KEY_SIZE];
    size_t  slot, len;

    if (groups->ngroups == groups->size && grow(groups) != 0) {
        return NULL;
    }

    len = put_key(groups, values, key);
    slot = find_slot(groups, key, len);

    if (groups->slots[slot]) {
        return &groups->groups[groups->slots[slot] - 1];
    }

    if (groups->ngroups >= (groups->max ? groups->max : TLSRPT_MAX_GROUPS)) {
        len = put_overflow_key(groups, values, key);
        slot = find_slot(groups, key, len);

        if (groups->slots[slot]) {
            return &groups->groups[groups->slots[slot] - 1];
        }
    }

    return add(groups, slot, key, len);
}


void
tlsrpt_groups_free(tlsrpt_groups_t *groups)
{
    free(groups->groups);
    free(groups->slots);
    free(groups->keys.data);
}


/*
 * Order: most failures first, then the keys, null before all; where day is the
 * first key, days before that.
 */

typedef struct {
    const tlsrpt_group_t  *group;
    const char            *text;            /* of the keys */
    size_t                 offset;          /* where it is in the buffer */
    size_t                 len;
    size_t                 first;           /* bytes that go before failures */
} item_t;


/* The keys as bytes that are in the keys' order: null is before all texts, a
   text before those that begin with it.  Texts hold no NUL. */

static void
put_text(item_t *item, const tlsrpt_groups_t *groups, tlsrpt_buf_t *buf)
{
    char          ip[TLSRPT_VALUE_LEN];
    const char   *key = groups->keys.data + item->group->key;
    tlsrpt_str_t  s;

    item->offset = buf->len;

    for (unsigned i = 0; i < groups->nby; i++) {
        s = tlsrpt_value_text(tlsrpt_groups_value(&key), ip);

        if (s.data != NULL) {
            tlsrpt_buf_add(buf, "\1", 1);
            tlsrpt_buf_add(buf, s.data, s.len);
        }

        tlsrpt_buf_add(buf, "", 1);

        if (i == 0 && groups->by[0] == TLSRPT_BY_DAY) {
            item->first = buf->len - item->offset;
        }
    }

    item->len = buf->len - item->offset;
}


static int
compare_text(const char *a, size_t alen, const char *b, size_t blen)
{
    int  rc = memcmp(a, b, alen < blen ? alen : blen);

    return rc ? rc : (alen > blen) - (alen < blen);
}


static int
compare(const void *one, const void *two)
{
    int           rc;
    const item_t *a = one, *b = two;

    rc = compare_text(a->text, a->first, b->text, b->first);

    if (rc == 0 && a->group->failed != b->group->failed) {
        return a->group->failed > b->group->failed ? -1 : 1;
    }

    return rc ? rc : compare_text(a->text, a->len, b->text, b->len);
}


/* Runs are sorted one by one, then the first of all of them is taken each
   time: a heap has the numbers of the runs, by their first items. */

#define RUN  1024

typedef struct {
    size_t  next;
    size_t  end;
} run_t;

struct tlsrpt_order {
    const tlsrpt_groups_t  *groups;
    item_t                 *items;
    tlsrpt_buf_t            text;           /* of the keys */
    size_t                  nsorted;
    run_t                  *runs;
    size_t                  nruns;
    size_t                 *heap;
    size_t                  nheap;
};


tlsrpt_order_t *
tlsrpt_order_create(const tlsrpt_groups_t *groups)
{
    size_t           n = groups->ngroups, nruns = n / RUN + 1;
    tlsrpt_order_t  *order = calloc(1, sizeof(*order));

    if (order == NULL) {
        return NULL;
    }

    order->groups = groups;
    order->items = malloc((n + 1) * sizeof(*order->items));
    order->runs = malloc(nruns * sizeof(*order->runs));
    order->heap = malloc(nruns * sizeof(*order->heap));

    if (order->items == NULL || order->runs == NULL || order->heap == NULL) {
        tlsrpt_order_destroy(order);
        return NULL;
    }

    return order;
}


void
tlsrpt_order_destroy(tlsrpt_order_t *order)
{
    if (order != NULL) {
        free(order->items);
        free(order->runs);
        free(order->heap);
        free(order->text.data);
        free(order);
    }
}


/* The text moves while it grows. */

static void
set_texts(tlsrpt_order_t *order, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++) {
        order->items[i].text = order->text.data + order->items[i].offset;
    }
}


static int
is_before(const tlsrpt_order_t *order, size_t a, size_t b)
{
    return compare(&order->items[order->runs[a].next],
                   &order->items[order->runs[b].next])
           < 0;
}


static void
sift_down(tlsrpt_order_t *order, size_t i)
{
    size_t   child, run = order->heap[i];

    for ( ;; ) {
        child = 2 * i + 1;

        if (child >= order->nheap) {
            break;
        }

        if (child + 1 < order->nheap
            && is_before(order, order->heap[child + 1], order->heap[child]))
        {
            child++;
        }

        if (is_before(order, run, order->heap[child])) {
            break;
        }

        order->heap[i] = order->heap[child];
        i = child;
    }

    order->heap[i] = run;
}


static void
begin_merge(tlsrpt_order_t *order)
{
    set_texts(order, 0, order->nsorted);

    for (size_t i = 0; i < order->nruns; i++) {
        order->heap[i] = i;
    }

    order->nheap = order->nruns;

    for (size_t i = order->nheap / 2; i-- > 0; ) {
        sift_down(order, i);
    }
}


int
tlsrpt_order_sort(tlsrpt_order_t *order)
{
    size_t  first = order->nsorted, left = order->groups->ngroups - first;
    size_t  end = first + (left < RUN ? left : RUN);

    if (left == 0) {
        begin_merge(order);
        return 0;
    }

    for (size_t i = first; i < end; i++) {
        order->items[i].group = &order->groups->groups[i];
        order->items[i].first = 0;
        put_text(&order->items[i], order->groups, &order->text);
    }

    if (order->text.failed) {
        return -1;
    }

    set_texts(order, first, end);
    qsort(order->items + first, end - first, sizeof(item_t), compare);
    order->runs[order->nruns].next = first;
    order->runs[order->nruns++].end = end;
    order->nsorted = end;

    return 1;
}


const tlsrpt_group_t *
tlsrpt_order_next(tlsrpt_order_t *order)
{
    run_t                 *run;
    const tlsrpt_group_t  *group;

    if (order->nheap == 0) {
        return NULL;
    }

    run = &order->runs[order->heap[0]];
    group = order->items[run->next++].group;

    if (run->next == run->end) {
        order->heap[0] = order->heap[--order->nheap];
    }

    if (order->nheap) {
        sift_down(order, 0);
    }

    return group;
}


const tlsrpt_group_t **
tlsrpt_groups_sort(const tlsrpt_groups_t *groups)
{
    int                     rc;
    size_t                  n = groups->ngroups;
    tlsrpt_order_t         *order = tlsrpt_order_create(groups);
    const tlsrpt_group_t  **sorted = malloc((n + 1) * sizeof(*sorted));

    do {
        rc = order && sorted ? tlsrpt_order_sort(order) : -1;
    } while (rc > 0);

    for (size_t i = 0; rc == 0 && i < n; i++) {
        sorted[i] = tlsrpt_order_next(order);
    }

    tlsrpt_order_destroy(order);

    if (rc != 0) {
        free(sorted);
        return NULL;
    }

    return sorted;
}


json_t *
tlsrpt_groups_json(const tlsrpt_groups_t *groups, size_t max,
    json_t *(*one)(const void *ctx, const tlsrpt_group_t *group),
    const void *ctx)
{
    size_t                  n = groups->ngroups < max ? groups->ngroups : max;
    json_t                 *array = json_array();
    const tlsrpt_group_t  **sorted = tlsrpt_groups_sort(groups);

    if (sorted == NULL) {
        json_decref(array);
        return NULL;
    }

    for (size_t i = 0; array && i < n; i++) {
        if (json_array_append_new(array, one(ctx, sorted[i])) != 0) {
            json_decref(array);
            array = NULL;
        }
    }

    free(sorted);
    return array;
}
