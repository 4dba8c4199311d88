/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Who reports: made lists of reports, and what is told of their senders; which
 * lists are asked for, and when.
 */

#include <stdlib.h>

#include "kept.h"
#include "overview.h"
#include "tap.h"
#include "tlsrpt_reports.h"
#include "tlsrpt_senders.h"
#include "tlsrpt_time.h"

#define NOW    1768910400                   /* 2026-01-20T12:00:00Z */
#define TODAY  (NOW / TLSRPT_DAY)
#define NDAYS  5                            /* the last one is today */


static list_t  lists[NDAYS];


static tlsrpt_str_t
str(const char *text)
{
    tlsrpt_str_t  s = { text, strlen(text) };

    return s;
}


static void
begin(void)
{
    for (size_t day = 0; day < NDAYS; day++) {
        list_free(&lists[day]);
    }
}


/* A report of the day, which ended at its end, by mail where somebody signed
   it; deviations: JSON. */

static void
add(size_t day, const char *org, long delay, const char *signer,
    const char *deviations)
{
    char       line[512];
    long long  end = (long long) (TODAY - NDAYS + 2 + (long) day) * TLSRPT_DAY
                     - 1;

    snprintf(line, sizeof(line), "{\"o\":\"%s\",\"e\":%lld,\"w\":%d,"
             "\"x\":%s}", org, end, deviations[1] != ']', deviations);
    list_add(&lists[day], signer != NULL ? TLSRPT_KEPT_MAIL : 0, delay - 1, 0,
             signer, line);
}


/*
 * What Redis would answer
 */

static char            totals[TOTALS_SIZE];
static char            days[NDAYS][3];
static tlsrpt_reply_t  strings[2 * NDAYS], *elements[2 * NDAYS];


static void
set_string(tlsrpt_reply_t *reply, const char *s, size_t len)
{
    memset(reply, 0, sizeof(*reply));
    reply->type = TLSRPT_REPLY_STRING;
    reply->str = s;
    reply->len = len;
}


static void
set_array(tlsrpt_reply_t *reply, size_t n)
{
    memset(reply, 0, sizeof(*reply));
    reply->type = TLSRPT_REPLY_ARRAY;
    reply->elements = elements;
    reply->nelements = n;

    for (size_t i = 0; i < n; i++) {
        elements[i] = &strings[i];
    }
}


/* "t:{example.com}:2026-01-20:kept" */

static void
answer_list(const tlsrpt_command_t *c, tlsrpt_reply_t *reply)
{
    int32_t  day;

    if (tlsrpt_day_parse(c->argv[1] + strlen("t:{example.com}:"), 10, &day)
        != 0)
    {
        abort();
    }

    list_range(&lists[day - (TODAY - (NDAYS - 1))], c, reply);
}


static void
answer_month(tlsrpt_reply_t *reply)
{
    size_t  n = 0, len = put_totals(totals, "1 0 0 0");

    for (size_t i = 0; i < NDAYS; i++) {
        if (lists[i].n) {
            snprintf(days[i], sizeof(days[i]), "%02zu", 20 - (NDAYS - 1) + i);
            set_string(&strings[n++], days[i], 2);
            set_string(&strings[n++], totals, len);
        }
    }

    set_array(reply, n);
}


static void
answer(const tlsrpt_command_t *c, tlsrpt_reply_t *reply)
{
    if (strcmp(c->argv[0], "HGET") == 0) {
        set_string(reply, totals, put_totals(totals, "1 0 0 1"));

    } else if (strstr(c->argv[1], ":kept") != NULL) {
        answer_list(c, reply);

    } else {
        answer_month(reply);
    }
}


static tlsrpt_lookup_t *
create(void)
{
    tlsrpt_query_t    query;
    tlsrpt_lookup_t  *lookup;

    tlsrpt_query_init(&query, NOW);
    query.from = query.to - (NDAYS - 1);
    lookup = tlsrpt_senders_create(&query, str("example.com"), str("t"));

    if (lookup == NULL) {
        abort();
    }

    return lookup;
}


static json_t  *json;

/* The senders; valid until asked again. */

static json_t *
senders(void)
{
    size_t                   n;
    tlsrpt_reply_t           reply;
    tlsrpt_lookup_t         *lookup = create();
    const tlsrpt_command_t  *c;

    while ((c = lookup->type->next(lookup, &n)) != NULL) {
        answer(c, &reply);

        if (lookup->type->add(lookup, n, &reply) != TLSRPT_OK) {
            abort();
        }
    }

    json_decref(json);
    json = lookup->type->json(lookup);
    lookup->type->destroy(lookup);

    return json_object_get(json, "senders");
}


static long long
number(json_t *sender, const char *name)
{
    return json_integer_value(json_object_get(sender, name));
}


static const char *
text(json_t *sender, const char *name)
{
    return json_string_value(json_object_get(sender, name));
}


/*
 * Tests
 */

static void
is_delay(const char *name, long long median, long long longest)
{
    json_t  *sender = json_array_get(senders(), 0);

    is_int(number(sender, "median-delay-seconds"), median, "%s: median", name);
    is_int(number(sender, "max-delay-seconds"), longest, "%s: longest", name);
}


static void
test_delays(void)
{
    begin();
    add(0, "One", 500, NULL, "[]");
    is_delay("one report", 500, 500);

    /* neither sorted by coming nor by day */
    add(2, "One", 86400, NULL, "[]");
    add(1, "One", 3600, NULL, "[]");
    is_delay("three", 3600, 86400);
    add(0, "One", 7200, NULL, "[]");
    add(3, "One", 60, NULL, "[]");
    is_delay("five", 3600, 86400);
    add(3, "One", 60, NULL, "[]");
    add(4, "One", 60, NULL, "[]");
    is_delay("seven", 500, 86400);

    begin();
    add(0, "One", -3600, NULL, "[]");
    add(1, "One", -60, NULL, "[]");
    add(2, "One", -7200, NULL, "[]");
    is_delay("clocks ahead", -3600, -60);

    begin();
    add(0, "One", 10, NULL, "[]");
    add(0, "Two", 1000, NULL, "[]");
    add(1, "One", 30, NULL, "[]");
    add(1, "Two", 3000, NULL, "[]");
    add(2, "One", 20, NULL, "[]");
    add(2, "Two", 2000, NULL, "[]");
    is_delay("of one, not of the other", 20, 30);

    /* the first thousand or so tell enough */
    begin();

    for (size_t i = 0; i < LIST_MAX; i++) {
        add(0, "One", 5, NULL, "[]");
    }

    add(1, "One", 9, NULL, "[]");
    is_delay("of very many", 5, 9);
}


static void
test_members(void)
{
    json_t  *list, *one;

    begin();
    add(1, "Two", 1, "two.example", "[]");
    add(3, "One", 1, NULL, "[]");
    add(1, "One", 1, "one.example", "[]");
    add(2, "One", 1, "one.example", "[]");
    add(3, "Three", 1, NULL, "[]");
    list = senders();
    is_int((long long) json_array_size(list), 3, "three senders");
    one = json_array_get(list, 0);
    is_str(text(one, "organization-name"), "One", "most reports first");
    is_int(number(one, "reports"), 3, "how many");
    is_str(text(one, "first-report"), "2026-01-17", "of its first day");
    is_str(text(one, "last-report"), "2026-01-19", "to its last");
    ok(json_array_size(json_object_get(one, "via")) == 2, "both ways");
    is_int((long long) json_array_size(json_object_get(one, "signed-by")), 1,
           "a signer is told once");
    is_str(text(json_array_get(list, 1), "organization-name"), "Three",
           "then by name");
    is_str(json_string_value(json_array_get(
               json_object_get(json_array_get(list, 2), "via"), 0)),
           "mail", "one way");
}


static void
test_deviations(void)
{
    json_t  *list, *one;

    begin();
    add(0, "One", 1, NULL,
        "[[\"RFC 1\",\"a\",\"m\"],[\"RFC 1\",\"b\",\"m\"]]");
    add(1, "One", 1, NULL, "[[\"RFC 1\",\"a\",\"m\"]]");
    add(1, "One", 1, NULL, "[[\"RFC 1\"],7,[]]");
    list = json_object_get(json_array_get(senders(), 0), "deviations");
    is_int((long long) json_array_size(list), 2, "two deviations");
    one = json_array_get(list, 0);
    is_str(text(one, "path"), "a", "where");
    is_str(text(one, "section"), "RFC 1", "by which rule");
    is_int(number(one, "reports"), 2, "in how many reports");
    is_int(number(json_array_get(list, 1), "reports"), 1, "and the other");
}


/* Lists are asked for of days that have reports; which those are, only the
   replies about the months tell. */

static void
test_order(void)
{
    char                     keys[16][64];
    size_t                   n, ncommands = 0, numbers[16];
    tlsrpt_reply_t           reply;
    tlsrpt_lookup_t         *lookup;
    const tlsrpt_command_t  *c;

    begin();

    for (size_t i = 0; i < 65; i++) {
        add(1, "One", 1, NULL, "[]");
    }

    add(3, "One", 1, NULL, "[]");
    lookup = create();

    while ((c = lookup->type->next(lookup, &n)) != NULL) {
        snprintf(keys[ncommands], sizeof(keys[0]), "%s", c->argv[1]);
        numbers[ncommands++] = n;
    }

    is_int((long long) ncommands, 2, "two commands first");
    is_str(keys[0], "t:{example.com}", "the domain");
    is_str(keys[1], "t:{example.com}:2026-01", "and the month");

    answer_month(&reply);
    is_int(lookup->type->add(lookup, numbers[1], &reply), TLSRPT_OK,
           "the month is answered");
    ok(lookup->type->next(lookup, &n) == NULL,
       "no list before the domain is, too");
    set_string(&reply, totals, put_totals(totals, "1 0 0 1"));
    is_int(lookup->type->add(lookup, numbers[0], &reply), TLSRPT_OK,
           "it is");

    for (ncommands = 0; (c = lookup->type->next(lookup, &n)) != NULL; ) {
        snprintf(keys[ncommands++], sizeof(keys[0]), "%s %s %s", c->argv[1],
                 c->argv[2], c->argv[3]);
        ok(lookup->type->next(lookup, &n) == NULL, "one page at a time");
        answer_list(c, &reply);
        is_int(lookup->type->add(lookup, n, &reply), TLSRPT_OK, "is answered");
    }

    is_int((long long) ncommands, 4, "then the lists of two days");
    is_str(keys[0], "t:{example.com}:2026-01-19:kept -64 -1",
           "the newest first");
    is_str(keys[1], "t:{example.com}:2026-01-17:kept -64 -1",
           "then the other, from its end");
    is_str(keys[2], "t:{example.com}:2026-01-17:kept 2 65", "on and on");
    is_str(keys[3], "t:{example.com}:2026-01-17:kept 0 1",
           "to its beginning");
    ok(lookup->type->seen(lookup) != 0, "the domain was seen");
    lookup->type->destroy(lookup);
}


int
main(void)
{
    test_delays();
    test_members();
    test_deviations();
    test_order();

    json_decref(json);
    begin();

    return done();
}
