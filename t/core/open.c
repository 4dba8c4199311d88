/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What is open over many domains: however many causes strangers invent, what is
 * kept of them is bounded; and each is on one page.
 */

#include <stdio.h>
#include <stdlib.h>

#include "tap.h"
#include "tlsrpt_open.h"
#include "tlsrpt_state.h"

#define EACH  16


static tlsrpt_str_t
str(const char *s)
{
    tlsrpt_str_t  result = { s, strlen(s) };

    return result;
}


/* A domain with so many causes of its own. */

static void
add(tlsrpt_open_t *open, unsigned number, unsigned n)
{
    char            domain[32], cause[32];
    json_t         *list = json_array(), *json = json_object();
    tlsrpt_buf_t    bytes = { NULL, 0, 0, 0 };
    tlsrpt_reply_t  reply = { TLSRPT_REPLY_STRING, 0, NULL, 0, 0, NULL };

    for (unsigned i = 0; i < n; i++) {
        snprintf(cause, sizeof(cause), "mx%u.d%u.example", i, number);
        json_array_append_new(list,
            json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:i}}", "type",
                      "certificate-expired", "cause", cause, "severity",
                      "medium", "lost", "no", "problem", "title", cause,
                      "failed-session-count", (int) (number % 7)));
    }

    json_object_set_new(json, "open", list);
    json_object_set_new(json, "past", json_array());
    json_object_set_new(json, "waiting", json_array());

    if (tlsrpt_state_write(json, &bytes) != 0) {
        abort();
    }

    reply.str = bytes.data;
    reply.len = bytes.len;
    snprintf(domain, sizeof(domain), "d%u.example", number);

    if (tlsrpt_open_add(open, str(domain), &reply) != 0) {
        abort();
    }

    tlsrpt_buf_free(&bytes);
    json_decref(json);
}


static json_t *
written(tlsrpt_open_t *open)
{
    int           rc;
    json_t       *json;
    tlsrpt_buf_t  out = { NULL, 0, 0, 0 };

    while ((rc = tlsrpt_open_write(open, &out)) > 0) { /* void */ }

    json = rc == 0 ? json_loadb(out.data, out.len, 0, NULL) : NULL;
    tlsrpt_buf_free(&out);

    return json;
}


static json_t *
page(unsigned ndomains, unsigned each, size_t limit, const char *cursor)
{
    json_t         *json;
    tlsrpt_open_t  *open = tlsrpt_open_create(limit);

    if (cursor != NULL && tlsrpt_open_after(open, str(cursor)) != 0) {
        abort();
    }

    for (unsigned i = 0; i < ndomains; i++) {
        add(open, i, each);
        add(open, i, each);                 /* ZSCAN may repeat it */
    }

    json = written(open);
    tlsrpt_open_destroy(open);

    return json;
}


static void
test_bound(void)
{
    json_t  *json = page(TLSRPT_OPEN_GROUPS / EACH + 10, EACH,
                         2 * TLSRPT_OPEN_GROUPS, NULL);

    is_int((long) json_array_size(json_object_get(json, "problems")),
           TLSRPT_OPEN_GROUPS, "so many causes, and no more");
    ok(json_is_null(json_object_get(json, "next")), "on one page");
    json_decref(json);
}


static void
test_pages(void)
{
    char     cursor[64];
    size_t   n = 0, k, pages = 0;
    json_t  *json, *seen = json_object(), *group;

    cursor[0] = '\0';

    do {
        json = page(40, 3, 7, pages ? cursor : NULL);

        json_array_foreach(json_object_get(json, "problems"), k, group) {
            json_object_set_new(seen,
                json_string_value(json_object_get(group, "id")), json_true());
            n++;

            if (json_integer_value(json_object_get(group, "domain-count"))
                != 1)
            {
                abort();
            }
        }

        group = json_object_get(json, "next");
        snprintf(cursor, sizeof(cursor), "%s",
                 json_is_string(group) ? json_string_value(group) : "");
        json_decref(json);
        pages++;
    } while (cursor[0] != '\0' && pages < 100);

    is_int((long) n, 120, "all of them, on pages");
    is_int((long) json_object_size(seen), 120, "each once");
    is_int((long) pages, 18, "that are full");
    json_decref(seen);
}


int
main(void)
{
    test_bound();
    test_pages();

    return done();
}
