/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "tlsrpt_domain.h"
#include "tlsrpt_open.h"
#include "tlsrpt_open_group.h"
#include "tlsrpt_state.h"


#define MAX_STATES  100000                  /* domains; further ones are not
                                               looked at */
#define PIECE       256                     /* groups, of what is done at a
                                               time */

struct tlsrpt_open {
    size_t                 limit;
    int                    severity;        /* 0: any */
    int                    begins_after;
    tlsrpt_open_rank_t     after;           /* of the cursor */
    char                   after_id[TLSRPT_OPEN_ID_LEN + 1];

    json_t                *seen;            /* domain -> true */
    json_t                *places;          /* id -> position in groups */
    tlsrpt_open_group_t   *groups;
    size_t                 n;
    size_t                 size;

    size_t                 chosen;          /* groups that were looked at: is
                                               it one of the page? */
    size_t                 npage;
    size_t                 nwritten;        /* of the page */
    int                    is_written;
    size_t                 nfreed;          /* groups, after that */
    tlsrpt_open_group_t  **page;            /* in order, one more than limit
                                               tells that another follows */
};


tlsrpt_open_t *
tlsrpt_open_create(size_t limit)
{
    tlsrpt_open_t  *open = calloc(1, sizeof(*open));

    if (open == NULL) {
        return NULL;
    }

    open->limit = limit;
    open->seen = json_object();
    open->places = json_object();
    open->page = calloc(limit + 1, sizeof(*open->page));

    if (open->seen == NULL || open->places == NULL || open->page == NULL) {
        tlsrpt_open_destroy(open);
        return NULL;
    }

    return open;
}


void
tlsrpt_open_destroy(tlsrpt_open_t *open)
{
    if (open == NULL) {
        return;
    }

    for (size_t i = open->nfreed; i < open->n; i++) {
        tlsrpt_open_group_free(&open->groups[i]);
    }

    free(open->groups);
    free(open->page);
    json_decref(open->seen);
    json_decref(open->places);
    free(open);
}


/*
 * Where a page begins
 */

void
tlsrpt_open_filter(tlsrpt_open_t *open, int severity)
{
    open->severity = severity;
}


/* "SEVERITY-LOST-FAILED-ID", as next_json() makes it. */

int
tlsrpt_open_after(tlsrpt_open_t *open, tlsrpt_str_t cursor)
{
    int   n = 0;
    char  text[64];

    if (cursor.len >= sizeof(text)) {
        return -1;
    }

    memcpy(text, cursor.data, cursor.len);
    text[cursor.len] = '\0';

    if (sscanf(text, "%1d-%1d-%16" SCNu64 "-%16[0-9a-f]%n",
               &open->after.severity, &open->after.lost, &open->after.failed,
               open->after_id, &n) != 4
        || (size_t) n != cursor.len
        || strlen(open->after_id) != TLSRPT_OPEN_ID_LEN)
    {
        return -1;
    }

    open->begins_after = 1;

    return 0;
}


/*
 * States become groups
 */

/* 0, or -1: no memory. */

static int
make_id(char id[TLSRPT_OPEN_ID_LEN + 1], tlsrpt_str_t type, tlsrpt_str_t cause)
{
    int            failed;
    tlsrpt_buf_t   name = { NULL, 0, 0, 0 };
    unsigned char  digest[SHA256_DIGEST_LENGTH];

    tlsrpt_buf_add(&name, type.data, type.len);
    tlsrpt_buf_add(&name, "\n", 1);
    tlsrpt_buf_add(&name, cause.data, cause.len);
    failed = name.failed;

    if (!failed) {
        SHA256((unsigned char *) name.data, name.len, digest);

        for (int i = 0; i < TLSRPT_OPEN_ID_LEN / 2; i++) {
            snprintf(id + 2 * i, 3, "%02x", digest[i]);
        }
    }

    tlsrpt_buf_free(&name);

    return failed ? -1 : 0;
}


static int
grow(tlsrpt_open_t *open)
{
    size_t    size = open->size ? 2 * open->size : 16;
    tlsrpt_open_group_t  *p = realloc(open->groups, size * sizeof(*p));

    if (p == NULL) {
        return -1;
    }

    open->groups = p;
    open->size = size;

    return 0;
}


/* NULL: no memory, or *full: there are too many. */

static tlsrpt_open_group_t *
group_of(tlsrpt_open_t *open, tlsrpt_str_t type, tlsrpt_str_t cause, int *full)
{
    char      id[TLSRPT_OPEN_ID_LEN + 1];
    json_t   *place;
    tlsrpt_open_group_t  *g;

    if (make_id(id, type, cause) != 0) {
        return NULL;
    }

    place = json_object_get(open->places, id);

    if (place != NULL) {
        return &open->groups[json_integer_value(place)];
    }

    *full = (open->n == TLSRPT_OPEN_GROUPS);

    if (*full
        || (open->n == open->size && grow(open) != 0)
        || json_object_set_new(open->places, id,
                               json_integer((json_int_t) open->n)) != 0)
    {
        return NULL;
    }

    g = &open->groups[open->n++];
    memset(g, 0, sizeof(*g));
    memcpy(g->id, id, sizeof(id));

    return g;
}


static int
add_entry(tlsrpt_open_t *open, tlsrpt_str_t domain, const json_t *entry)
{
    int       full = 0;
    tlsrpt_open_rank_t    rank;
    tlsrpt_open_group_t  *g;

    if (tlsrpt_open_rank(&rank, entry) != 0) {
        return 0;
    }

    g = group_of(open, tlsrpt_open_text(entry, "type"),
                 tlsrpt_open_text(entry, "cause"), &full);

    if (g == NULL) {
        return full ? 0 : -1;
    }

    return tlsrpt_open_group_add(g, domain, &rank,
                                 json_object_get(entry, "problem"));
}


int
tlsrpt_open_add(tlsrpt_open_t *open, tlsrpt_str_t domain,
    const tlsrpt_reply_t *reply)
{
    int             rc = 0;
    char            name[TLSRPT_DOMAIN_LEN + 1];
    size_t          i;
    json_t         *entry;
    tlsrpt_str_t    text = { name, domain.len };
    tlsrpt_state_t  state;

    if (domain.len > TLSRPT_DOMAIN_LEN
        || json_object_size(open->seen) == MAX_STATES)
    {
        return 0;
    }

    memcpy(name, domain.data, domain.len);
    name[domain.len] = '\0';

    if (json_object_get(open->seen, name) != NULL) {
        return 0;
    }

    if (json_object_set_new(open->seen, name, json_true()) != 0
        || tlsrpt_state_read(reply, &state) != 0)
    {
        return -1;
    }

    json_array_foreach(json_object_get(state.json, "open"), i, entry) {
        rc = add_entry(open, text, entry);

        if (rc != 0) {
            break;
        }
    }

    json_decref(state.json);

    return rc;
}


/*
 * Answering
 */

static int
add_to_buf(const char *text, size_t len, void *data)
{
    tlsrpt_buf_t  *out = data;

    tlsrpt_buf_add(out, text, len);

    return out->failed ? -1 : 0;
}


static int
add_json(tlsrpt_buf_t *out, json_t *json)
{
    int  rc = json_dump_callback(json, add_to_buf, out,
                                 JSON_COMPACT | JSON_ENCODE_ANY);

    json_decref(json);

    return rc;
}


static int
is_shown(const tlsrpt_open_t *open, const tlsrpt_open_group_t *g)
{
    int  rc;

    if (open->severity && g->rank.severity != open->severity) {
        return 0;
    }

    if (!open->begins_after) {
        return 1;
    }

    rc = tlsrpt_open_rank_order(&open->after, &g->rank);

    return rc < 0 || (rc == 0 && strcmp(open->after_id, g->id) < 0);
}


static void
put_on_page(tlsrpt_open_t *open, tlsrpt_open_group_t *g)
{
    size_t  low = 0, high = open->npage, middle;

    while (low < high) {
        middle = (low + high) / 2;

        if (tlsrpt_open_group_order(g, open->page[middle]) < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }

    if (low > open->limit) {
        return;
    }

    open->npage -= open->npage > open->limit;
    memmove(&open->page[low + 1], &open->page[low],
            (open->npage - low) * sizeof(*open->page));
    open->page[low] = g;
    open->npage++;
}


static void
choose(tlsrpt_open_t *open)
{
    for (size_t i = 0; i < PIECE && open->chosen < open->n; i++) {
        tlsrpt_open_group_t  *g = &open->groups[open->chosen++];

        if (is_shown(open, g)) {
            put_on_page(open, g);
        }
    }
}


static json_t *
next_json(const tlsrpt_open_t *open)
{
    const tlsrpt_open_group_t  *last;

    if (open->npage <= open->limit) {
        return json_null();
    }

    last = open->page[open->limit - 1];

    return json_sprintf("%d-%d-%" PRIu64 "-%s", last->rank.severity,
                        last->rank.lost, last->rank.failed, last->id);
}


/* Freeing very many takes its time, too: 1: there is more to be freed. */

static int
free_names(json_t *names)
{
    for (size_t i = 0; i < PIECE && json_object_size(names) > 0; i++) {
        json_object_del(names, json_object_iter_key(json_object_iter(names)));
    }

    return json_object_size(names) > 0;
}


static int
free_piece(tlsrpt_open_t *open)
{
    for (size_t i = 0; i < PIECE && open->nfreed < open->n; i++) {
        tlsrpt_open_group_free(&open->groups[open->nfreed++]);
    }

    return open->nfreed < open->n || free_names(open->places)
           || free_names(open->seen);
}


static int
write_next(tlsrpt_open_t *open, tlsrpt_buf_t *out)
{
    tlsrpt_buf_add(out, open->nwritten ? "," : "{\"problems\":[",
                   open->nwritten ? 1 : 13);

    return add_json(out, tlsrpt_open_group_json(open->page[open->nwritten++]));
}


static int
write_end(tlsrpt_open_t *open, tlsrpt_buf_t *out)
{
    const char  *text = open->nwritten ? "],\"next\":"
                                       : "{\"problems\":[],\"next\":";

    tlsrpt_buf_add(out, text, strlen(text));

    if (add_json(out, next_json(open)) != 0) {
        return -1;
    }

    tlsrpt_buf_add(out, "}", 1);

    return out->failed ? -1 : 0;
}


int
tlsrpt_open_write(tlsrpt_open_t *open, tlsrpt_buf_t *out)
{
    if (open->chosen < open->n) {
        choose(open);
        return 1;
    }

    if (open->is_written) {
        return free_piece(open);
    }

    if (open->nwritten < open->npage && open->nwritten < open->limit) {
        return write_next(open, out) == 0 ? 1 : -1;
    }

    if (write_end(open, out) != 0) {
        return -1;
    }

    open->is_written = 1;

    return 1;
}
