/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A domain's line in the list: its totals, and how it is by its open problems
 * or, where these are not known, by the totals.
 */

#include "tap.h"
#include "report.h"
#include "tlsrpt_state.h"

#define TODAY  (NOW / TLSRPT_DAY)           /* 2026-01-20 */


/* What Redis would answer: the domain's totals in words, what is known of its
   problems, its state; of the months before this one and of this one, the
   fields. */

typedef struct {
    const char         *all;
    const char         *mark;
    const char         *state;
    const char *const  *fields;
    const char *const  *before;
} domain_t;

static tlsrpt_reply_t
string(const char *s, size_t len)
{
    tlsrpt_reply_t  reply;

    memset(&reply, 0, sizeof(reply));
    reply.type = s != NULL ? TLSRPT_REPLY_STRING : TLSRPT_REPLY_NIL;
    reply.str = s;
    reply.len = s != NULL ? len : 0;

    return reply;
}


static int
give_fields(tlsrpt_overview_t *overview, size_t n,
    const tlsrpt_command_t *c, const char *const *f)
{
    char            texts[16][TOTALS_SIZE];
    size_t          count = 0;
    tlsrpt_reply_t  replies[16], *elements[16], reply;

    for ( ; *f != NULL; f++, count++) {
        replies[count] = count % 2
                         ? string(texts[count], put_totals(texts[count], *f))
                         : string(*f, strlen(*f));
        elements[count] = &replies[count];
    }

    memset(&reply, 0, sizeof(reply));
    reply.type = TLSRPT_REPLY_ARRAY;
    reply.elements = elements;
    reply.nelements = count;

    return tlsrpt_overview_add(overview, n, beside(c, &reply));
}


static int
give(tlsrpt_overview_t *overview, size_t n, const tlsrpt_command_t *c,
    const domain_t *d)
{
    char             text[TOTALS_SIZE];
    tlsrpt_buf_t     state = { NULL, 0, 0, 0 };
    tlsrpt_reply_t   reply, parts[2], *elements[2] = { &parts[0], &parts[1] };

    if (strcmp(verb_of(c), "HMGET") == 0) {
        memset(&reply, 0, sizeof(reply));
        parts[0] = string(d->all != NULL ? text : NULL, d->all != NULL
                          ? put_totals(text, d->all) : 0);
        parts[1] = string(d->mark, d->mark != NULL ? strlen(d->mark) : 0);
        reply.type = TLSRPT_REPLY_ARRAY;
        reply.elements = elements;
        reply.nelements = 2;
        return tlsrpt_overview_add(overview, n, &reply);
    }

    if (strcmp(verb_of(c), "GET") == 0) {
        json_t  *json = d->state != NULL ? json_loads(d->state, 0, NULL)
                                         : NULL;
        int      rc = json != NULL ? tlsrpt_state_write(json, &state) : 0;

        reply = string(state.data, state.len);
        rc |= tlsrpt_overview_add(overview, n, &reply);
        tlsrpt_buf_free(&state);
        json_decref(json);
        return rc;
    }

    return give_fields(overview, n, c, strstr(key_of(c), ":2026-01") != NULL
                                       ? d->fields : d->before);
}


static tlsrpt_overview_t *
read_domain(const tlsrpt_query_t *query, const domain_t *d, char *asked,
    size_t size)
{
    size_t                   n;
    tlsrpt_overview_t       *overview;
    const tlsrpt_command_t  *c;

    overview = tlsrpt_overview_create(query, str("example.com"), str("t"));
    asked[0] = '\0';

    while ((c = tlsrpt_overview_next(overview, &n)) != NULL) {
        size_t  len = strlen(asked);

        snprintf(asked + len, size - len, "%s %s\n", verb_of(c), key_of(c));

        if (give(overview, n, c, d) != TLSRPT_OK) {
            abort();
        }
    }

    ok(tlsrpt_overview_is_done(overview), "all is asked and answered");

    return overview;
}


static json_t *
line(const domain_t *d)
{
    char                asked[1024];
    json_t             *json;
    tlsrpt_query_t      query;
    tlsrpt_overview_t  *overview;

    tlsrpt_query_init(&query, NOW);
    overview = read_domain(&query, d, asked, sizeof(asked));
    json = tlsrpt_overview_json(overview, NULL);
    tlsrpt_overview_destroy(overview);

    return json;
}


static void
is_line(const char *name, const char *want, const char *all,
    const char *const *fields, const char *const *before)
{
    const domain_t  d = { all, NULL, NULL, fields, before };
    json_t         *json = line(&d), *wanted;

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
    ",\"status\":" status ",\"problem-title\":null,\"lost-mail\":null"         \
    ",\"policy-mode\":null}"
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


/*
 * By the state
 */

#define ENTRY(type, severity, lost, organizations, title)                     \
    "{\"type\":\"" type "\",\"cause\":\"x\",\"id\":\"0123456789abcdef\","     \
    "\"opened\":\"2026-01-19\",\"severity\":\"" severity "\","               \
    "\"lost\":\"" lost "\",\"problem\":{\"title\":\"" title "\","             \
    "\"organization-names\":[" organizations "]}}"
#define STATE(...)  "{\"open\":[" __VA_ARGS__ "],\"past\":[],\"waiting\":[]}"
#define EXPIRED(severity, lost)                                               \
    ENTRY("certificate-expired", severity, lost, "\"X\"", "Expired: mx")
#define UNFOUND     ENTRY("policy-not-found", "medium", "no", "\"X\"", "Gone")
#define SILENT_ALL  ENTRY("silence", "medium", "no", "", "No reports")
#define SILENT_ONE  ENTRY("silence", "medium", "no", "\"X\"", "None from X")
#define CHECKED(type, lost, failed)                                           \
    "{\"type\":\"" type "\",\"severity\":\"medium\",\"lost\":\"" lost        \
    "\",\"problem\":{\"title\":\"" type "\",\"via\":{\"check\":1},"            \
    "\"failed-session-count\":" failed "}}"
#define CLEAN       FIELDS("19", "1 10 0 0", "20", "1 10 0 0")
#define FAILED      FIELDS("19", "1 10 0 0", "20", "1 10 5 0")


/* how: status, title and lost mail, in JSON. */

static void
is_how(const char *name, const char *how, const domain_t *d)
{
    char     *text;
    json_t   *json = line(d), *got = json_array();

    json_array_append(got, json_object_get(json, "status"));
    json_array_append(got, json_object_get(json, "problem-title"));
    json_array_append(got, json_object_get(json, "lost-mail"));
    text = json_dumps(got, JSON_COMPACT);
    is_str(text, how, "%s", name);
    free(text);
    json_decref(got);
    json_decref(json);
}


static void
with_state(const char *name, const char *how, const char *state,
    const char *const *fields)
{
    const domain_t  d = { ALL, state != NULL ? "1 3" : "1 0", state, fields,
                          NONE };

    is_how(name, how, &d);
}


static void
test_state(void)
{
    domain_t  d = { ALL, "1 1", NULL, FAILED, NONE };

    with_state("nothing open, nothing failed", "[\"ok\",null,\"no\"]", NULL,
               CLEAN);
    with_state("sessions fail", "[\"failing\",\"Expired: mx\",\"yes\"]",
               STATE(EXPIRED("high", "yes")), FAILED);
    with_state("though no day of late has a failure",
               "[\"failing\",\"Expired: mx\",\"no\"]",
               STATE(EXPIRED("medium", "no")), CLEAN);
    with_state("the worst of mail that is lost",
               "[\"failing\",\"Expired: mx\",\"perhaps\"]",
               STATE(EXPIRED("high", "no") "," UNFOUND ","
                     EXPIRED("medium", "perhaps")), CLEAN);
    with_state("a policy that is not found",
               "[\"attention\",\"Gone\",\"no\"]", STATE(UNFOUND), CLEAN);
    with_state("nobody reports", "[\"silent\",\"No reports\",\"no\"]",
               STATE(SILENT_ALL), CLEAN);
    with_state("one sender does not", "[\"attention\",\"None from X\",\"no\"]",
               STATE(SILENT_ONE), CLEAN);
    with_state("a problem that is of no weight by now",
               "[\"ok\",\"Expired: mx\",\"no\"]",
               STATE(EXPIRED("low", "no")), CLEAN);
    with_state("failures that are not open, or not yet",
               "[\"occasional\",null,\"no\"]", NULL, FAILED);
    with_state("failures, and two days without",
               "[\"ok\",null,\"no\"]", NULL,
               FIELDS("16", "1 10 5 0", "18", "1 10 0 0", "19", "1 10 0 0"));
    with_state("but one day", "[\"occasional\",null,\"no\"]", NULL,
               FIELDS("16", "1 10 5 0", "18", "1 10 0 0"));
    with_state("single sessions", "[\"occasional\",null,\"no\"]", NULL,
               FIELDS("16", "1 999 1 0", "18", "1 10 0 0", "19", "1 10 0 0"));
    with_state("silence is told by the state alone", "[\"ok\",null,\"no\"]",
               NULL, FIELDS("14", "1 10 0 0", "15", "1 10 0 0",
                            "16", "1 10 0 0"));

    is_how("a state that is gone", "[\"failing\",null,null]", &d);
    d.state = "[]";
    is_how("one that is none", "[\"failing\",null,null]", &d);
    d.mark = "x";
    is_how("a mark that is none", "[\"failing\",null,null]", &d);
    d = (domain_t) { NULL, "1 0", NULL, NONE, NONE };
    is_how("never a report", "[\"waiting\",null,\"no\"]", &d);

    d = (domain_t) { NULL, NULL, STATE(CHECKED("record-missing", "no", "0")),
                     NONE, NONE };
    is_how("never a report, and a check shows what lets nothing fail",
           "[\"attention\",\"record-missing\",\"no\"]", &d);
    d.state = STATE(CHECKED("starttls-not-supported", "yes", "0"));
    is_how("and what does",
           "[\"failing\",\"starttls-not-supported\",\"yes\"]", &d);
    d.state = NULL;
    is_how("nor anything of a check", "[\"waiting\",null,null]", &d);
    with_state("what a check shows and reports, too",
               "[\"failing\",\"sts-policy-fetch-error\",\"no\"]",
               STATE(CHECKED("sts-policy-fetch-error", "no", "3")), CLEAN);
}


static void
test_commands(void)
{
    char                asked[1024];
    char               *text;
    json_t             *json;
    tlsrpt_query_t      query;
    tlsrpt_overview_t  *overview;
    domain_t            d = { ALL, "1 1", STATE(EXPIRED("high", "yes")),
                              FAILED, FIELDS("31", "1 10 5 0",
                                             "30", "1 20 6 0") };

    tlsrpt_query_init(&query, NOW);
    tlsrpt_overview_destroy(read_domain(&query, &d, asked, sizeof(asked)));
    is_str(asked, "HMGET t:{example.com}\nHGETALL t:{example.com}:2025-12\n"
                  "HGETALL t:{example.com}:2026-01\n"
                  "GET t:{example.com}:problems\n", "30 days");

    query.from = query.to = TODAY - 20;     /* 2025-12-31 */
    query.nby = 1;
    query.by[0] = TLSRPT_BY_DAY;
    overview = read_domain(&query, &d, asked, sizeof(asked));
    is_str(asked, "HMGET t:{example.com}\nHGETALL t:{example.com}:2025-12\n"
                  "HGETALL t:{example.com}:2026-01\n"
                  "GET t:{example.com}:problems\n", "a day of these");
    json = tlsrpt_overview_json(overview, "enforce");
    text = json_dumps(json, JSON_COMPACT);
    is_str(text, "{\"domain\":\"example.com\",\"reports\":1,"
                 "\"total-successful-session-count\":10,"
                 "\"total-failure-session-count\":5,"
                 "\"last-report\":\"2026-01-20T12:00:00Z\","
                 "\"status\":\"failing\",\"problem-title\":\"Expired: mx\","
                 "\"lost-mail\":\"yes\",\"policy-mode\":\"enforce\","
                 "\"by-day\":[{\"day\":\"2025-12-31\",\"reports\":1,"
                 "\"total-successful-session-count\":10,"
                 "\"total-failure-session-count\":5}]}",
           "the sums of the range; how it is now");
    free(text);
    json_decref(json);
    tlsrpt_overview_destroy(overview);

    query.from = query.to = TODAY - 100;    /* 2025-10-12 */
    overview = read_domain(&query, &d, asked, sizeof(asked));
    is_str(asked, "HMGET t:{example.com}\nHGETALL t:{example.com}:2025-10\n"
                  "HGETALL t:{example.com}:2025-12\n"
                  "HGETALL t:{example.com}:2026-01\n"
                  "GET t:{example.com}:problems\n", "a day long before");
    ok(tlsrpt_overview_status(overview) == TLSRPT_STATUS_FAILING,
       "how it is now");
    tlsrpt_overview_destroy(overview);

    d.mark = NULL;
    overview = read_domain(&query, &d, asked, sizeof(asked));
    ok(tlsrpt_overview_status(overview) == TLSRPT_STATUS_FAILING,
       "and as totals tell it");
    tlsrpt_overview_destroy(overview);

    ok(tlsrpt_status_named(str("attention")) == TLSRPT_STATUS_ATTENTION
       && tlsrpt_status_named(str("okay")) == TLSRPT_NSTATUSES
       && tlsrpt_status_named(str("")) == TLSRPT_NSTATUSES,
       "names of statuses");
}


int
main(void)
{
    test_status();
    test_sums();
    test_state();
    test_commands();

    return done();
}
