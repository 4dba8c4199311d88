/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * For tests of the lists of reports: entries as Redis keeps them, each with a
 * line in place of a text, and what LRANGE answers of them.
 */

#ifndef T_KEPT_H
#define T_KEPT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tlsrpt_kept.h"
#include "tlsrpt_time.h"

#define LIST_MAX  2000

typedef struct {
    tlsrpt_buf_t  entries[LIST_MAX];
    char          names[LIST_MAX][TLSRPT_KEPT_NAME_LEN];
    size_t        n;
} list_t;


__attribute__((unused))
static void
list_free(list_t *list)
{
    while (list->n) {
        tlsrpt_buf_free(&list->entries[--list->n]);
    }
}


/* What the script puts before an entry. */

__attribute__((unused))
static void
put_place(tlsrpt_buf_t *buf, size_t index)
{
    char  place[5] = { (char) index, (char) (index >> 8), 0, 0, 0 };

    tlsrpt_buf_add(buf, place, sizeof(place));
}


/* A report of the day, received so many seconds after it, of the signer, or
   none; flags: MAIL and CONFLICTS. */

__attribute__((unused))
static void
list_add(list_t *list, unsigned flags, long after, uint64_t failed,
    const char *signer, const char *line)
{
    char          head[2];
    uint64_t      value;
    tlsrpt_buf_t  *buf = &list->entries[list->n];

    if (list->n == LIST_MAX) {
        abort();
    }

    memset(buf, 0, sizeof(*buf));
    put_place(buf, list->n++);
    value = after < 0 ? (uint64_t) -after * 2 - 1 : (uint64_t) after * 2;
    head[0] = TLSRPT_KEPT_VERSION;
    head[1] = (char) (flags | TLSRPT_KEPT_LARGE
                      | (signer != NULL ? TLSRPT_KEPT_SIGNER : 0));
    tlsrpt_buf_add(buf, head, 2);
    tlsrpt_buf_varint(buf, value);
    tlsrpt_buf_varint(buf, 100);
    tlsrpt_buf_varint(buf, failed);

    if (signer != NULL) {
        tlsrpt_buf_varint(buf, strlen(signer));
        tlsrpt_buf_add(buf, signer, strlen(signer));
    }

    tlsrpt_buf_add(buf, "12345678\x64", TLSRPT_DIGEST_LEN + 1);
    tlsrpt_buf_add(buf, line, strlen(line));

    if (buf->failed) {
        abort();
    }
}


/* An entry as the core makes it, from the version on, and its name; what the
   script does with them: those of one name are in conflict. */

__attribute__((unused))
static void
list_keep(list_t *list, const char *name, size_t name_len, const char *entry,
    size_t len)
{
    const size_t   flags = 5 + 1;           /* behind place and version */
    tlsrpt_buf_t  *buf = &list->entries[list->n];

    if (list->n == LIST_MAX) {
        abort();
    }

    memset(buf, 0, sizeof(*buf));
    put_place(buf, list->n);
    tlsrpt_buf_add(buf, entry, len);

    if (buf->failed) {
        abort();
    }

    if (name_len == TLSRPT_KEPT_NAME_LEN) {
        memcpy(list->names[list->n], name, name_len);
    }

    for (size_t i = 0; name_len > 0 && i < list->n; i++) {
        if (memcmp(list->names[i], name, name_len) == 0) {
            list->entries[i].data[flags] |= TLSRPT_KEPT_CONFLICTS;
            buf->data[flags] |= TLSRPT_KEPT_CONFLICTS;
        }
    }

    list->n++;
}


/* The reply to LRANGE: names and entries by turns. */

__attribute__((unused))
static void
list_range(const list_t *list, const tlsrpt_command_t *c,
    tlsrpt_reply_t *reply)
{
    long                    first = atol(c->argv[2]), last = atol(c->argv[3]);
    const long              length = 2 * (long) list->n;
    static tlsrpt_reply_t   strings[2 * LIST_MAX];
    static tlsrpt_reply_t  *elements[2 * LIST_MAX];

    if (strcmp(c->argv[0], "LRANGE") != 0) {
        abort();
    }

    first = first < 0 ? first + length : first;
    last = last < 0 ? last + length : last;
    first = first < 0 ? 0 : first;
    last = last < length ? last : length - 1;

    memset(reply, 0, sizeof(*reply));
    reply->type = TLSRPT_REPLY_ARRAY;
    reply->elements = elements;

    for (long i = first; i <= last; i++) {
        const tlsrpt_buf_t  *entry = &list->entries[i / 2];
        tlsrpt_reply_t      *s = &strings[reply->nelements];

        memset(s, 0, sizeof(*s));
        s->type = TLSRPT_REPLY_STRING;
        s->str = i % 2 ? entry->data : "abc";
        s->len = i % 2 ? entry->len : 3;
        elements[reply->nelements++] = s;
    }
}

#endif /* T_KEPT_H */
