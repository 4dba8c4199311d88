/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A domain's line in the list: its totals, and how it is.
 */

#include "tap.h"
#include "report.h"

#define TODAY  (NOW / TLSRPT_DAY)           /* 2026-01-20 */


/* fields: of the month of today, and of the one before. */

static json_t *
line(const char *all, const char *const *fields, const char *const *before)
{
    json_t             *json;
    char                texts[16][TOTALS_SIZE], text[TOTALS_SIZE];
    tlsrpt_reply_t      replies[16], *elements[16], reply;
    tlsrpt_query_t      query;
    tlsrpt_overview_t  *overview;

    memset(replies, 0, sizeof(replies));
    tlsrpt_query_init(&query, NOW);
    overview = tlsrpt_overview_create(&query, str("example.com"), str("t"));

    for (size_t n = 0; n < tlsrpt_overview_ncommands(overview); n++) {
        const char *const  *f = n == 1 ? before : fields;
        size_t              count = 0;

        memset(&reply, 0, sizeof(reply));

        if (n == 0 && all != NULL) {
            reply.type = TLSRPT_REPLY_STRING;
            reply.str = text;
            reply.len = put_totals(text, all);

        } else if (n) {
            for ( ; *f != NULL; f++) {
                replies[count].type = TLSRPT_REPLY_STRING;
                replies[count].str = count % 2 ? texts[count] : *f;
                replies[count].len = count % 2 ? put_totals(texts[count], *f)
                                               : strlen(*f);
                elements[count] = &replies[count];
                count++;
            }

            reply.type = TLSRPT_REPLY_ARRAY;
            reply.elements = elements;
            reply.nelements = count;
        }

        if (tlsrpt_overview_add(overview, n,
                beside(tlsrpt_overview_command(overview, n), &reply))
            != TLSRPT_OK)
        {
            abort();
        }
    }

    json = tlsrpt_overview_json(overview);
    tlsrpt_overview_destroy(overview);

    return json;
}


static void
is_line(const char *name, const char *want, const char *all,
    const char *const *fields, const char *const *before)
{
    json_t  *json = line(all, fields, before), *wanted;

    wanted = json_loads(want, 0, NULL);

    if (!ok(json_equal(json, wanted), "%s", name)) {
        char  *text = json_dumps(json, 0);

        tap_show("got", text);
        free(text);
    }

    json_decref(json);
    json_decref(wanted);
}

#define LINE(reports, successful, failure, last, status)                      \
    "{\"domain\":\"example.com\",\"reports\":" #reports                       \
    ",\"total-successful-session-count\":" #successful                        \
    ",\"total-failure-session-count\":" #failure ",\"last-report\":" last     \
    ",\"status\":" status "}"
#define LAST   "\"2026-01-20T12:00:00Z\""
#define ALL    "9 9 9 1768910400"
#define FIELDS(...)  (const char *const []) { __VA_ARGS__, NULL }
#define NONE   (const char *const []) { NULL }


static void
test_status(void)
{
    is_line("never seen", LINE(0, 0, 0, "null", "\"waiting\""), NULL, NONE,
            NONE);
    is_line("no report of late",
            LINE(0, 0, 0, "\"2026-01-17T00:00:00Z\"", "\"silent\""),
            "9 9 9 1768608000", NONE, NONE);
    is_line("one that came three days ago, of before",
            LINE(0, 0, 0, "\"2026-01-18T00:00:00Z\"", "\"ok\""),
            "9 9 9 1768694400", NONE, NONE);
    is_line("one of yesterday", LINE(1, 10, 0, LAST, "\"ok\""), ALL,
            FIELDS("19", "1 10 0 0"), NONE);
    is_line("failures", LINE(1, 10, 2, LAST, "\"failing\""), ALL,
            FIELDS("19", "1 10 2 0"), NONE);
    is_line("two days ago", LINE(1, 10, 0, LAST, "\"ok\""), ALL,
            FIELDS("18", "1 10 0 0"), NONE);
    is_line("nobody since the failures", LINE(1, 10, 2, LAST, "\"failing\""),
            ALL, FIELDS("7", "1 10 2 0"), NONE);
    is_line("for too long", LINE(1, 10, 2, LAST, "\"ok\""), ALL,
            FIELDS("5", "1 10 2 0"), NONE);
    is_line("daily, and then not for four days",
            LINE(3, 30, 0, LAST, "\"silent\""), ALL,
            FIELDS("14", "1 10 0 0", "15", "1 10 0 0", "16", "1 10 0 0"),
            NONE);
    is_line("for three", LINE(3, 30, 0, LAST, "\"ok\""), ALL,
            FIELDS("15", "1 10 0 0", "16", "1 10 0 0", "17", "1 10 0 0"),
            NONE);
    is_line("on weekdays, and today is Tuesday",
            LINE(3, 30, 0, LAST, "\"ok\""), ALL,
            FIELDS("9", "1 10 0 0", "12", "1 10 0 0", "16", "1 10 0 0"),
            NONE);
    is_line("one of a thousand", LINE(1, 999, 1, LAST, "\"occasional\""), ALL,
            FIELDS("19", "1 999 1 0"), NONE);
    is_line("one of a hundred", LINE(1, 99, 1, LAST, "\"failing\""), ALL,
            FIELDS("19", "1 99 1 0"), NONE);
    is_line("19 of many", LINE(1, 9981, 19, LAST, "\"occasional\""), ALL,
            FIELDS("19", "1 9981 19 0"), NONE);
    is_line("20 of many", LINE(1, 9980, 20, LAST, "\"failing\""), ALL,
            FIELDS("19", "1 9980 20 0"), NONE);
    is_line("on two days", LINE(2, 1998, 2, LAST, "\"occasional\""), ALL,
            FIELDS("13", "1 999 1 0", "19", "1 999 1 0"), NONE);
    is_line("on three", LINE(3, 2997, 3, LAST, "\"failing\""), ALL,
            FIELDS("13", "1 999 1 0", "16", "1 999 1 0", "19", "1 999 1 0"),
            NONE);
    is_line("failures a week before the newest",
            LINE(3, 30, 2, LAST, "\"ok\""), ALL,
            FIELDS("19", "2 20 0 0", "12", "1 10 2 0"), NONE);
    is_line("failures within the week",
            LINE(3, 30, 2, LAST, "\"failing\""), ALL,
            FIELDS("19", "2 20 0 0", "13", "1 10 2 0"), NONE);
}


static void
test_sums(void)
{
    is_line("two months, within the range",
            LINE(110, 220, 0, LAST, "\"ok\""), ALL,
            FIELDS("20", "10 20 0 0", "21", "1000 0 0 0"),
            FIELDS("31", "100 200 0 0", "21", "1000 0 0 0"));
    is_line("the first day of the range", LINE(1, 2, 3, LAST, "\"silent\""),
            ALL, NONE, FIELDS("22", "1 2 3 4"));
    is_line("sums over 2^53",
            LINE(2, 9007199254740991, 9007199254740991, LAST, "\"failing\""),
            ALL, FIELDS("19", "1 9007199254740991 9007199254740991 0",
                        "20", "1 9007199254740991 9007199254740991 0"), NONE);
    is_line("what is no totals", LINE(1, 1, 0, LAST, "\"ok\""), ALL,
            FIELDS("20", "1 1 0 0", "19", "1 1 0", "18", "1 1 0 0 0 0",
                   "0", "1 1 0 0", "32", "1 1 0 0", "x", "1 1 0 0",
                   "17", "-1 1 0 0"),
            FIELDS("32", "1 1 0 0", "31", "1 1 0 x", "30", "",
                   "+9", "1 1 0 0", "28", "9007199254740992 0 0 0"));
    is_line("a time past all days",
            LINE(0, 0, 0, "\"9999-12-31T23:59:59Z\"", "\"ok\""),
            "1 1 1 9007199254740991", NONE, NONE);
    is_line("a time that is none", LINE(0, 0, 0, "null", "\"waiting\""),
            "1 1 1 x", NONE, NONE);
}


static void
test_commands(void)
{
    tlsrpt_query_t           query;
    tlsrpt_overview_t       *overview;
    const tlsrpt_command_t  *c;

    tlsrpt_query_init(&query, NOW);
    overview = tlsrpt_overview_create(&query, str("example.com"), str("t"));
    is_int((long long) tlsrpt_overview_ncommands(overview), 3,
           "the domain and two months");
    c = tlsrpt_overview_command(overview, 0);
    ok(c->argc == 3 && strcmp(c->argv[0], "HGET") == 0
       && strcmp(c->argv[1], "t:{example.com}") == 0
       && strcmp(c->argv[2], "all") == 0, "the domain");
    c = tlsrpt_overview_command(overview, 1);
    ok(c->script == &tlsrpt_month_script && c->key == 3
       && strcmp(c->argv[3], "t:{example.com}:2025-12:closed") == 0
       && strcmp(c->argv[4], "t:{example.com}:2025-12") == 0
       && strcmp(c->argv[5], "HGETALL") == 0, "a month that may be closed");
    c = tlsrpt_overview_command(overview, 2);
    is_str(c->argv[1], "t:{example.com}:2026-01", "the next");
    tlsrpt_overview_destroy(overview);
}


int
main(void)
{
    test_status();
    test_sums();
    test_commands();

    return done();
}
