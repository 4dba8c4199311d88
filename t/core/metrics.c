/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Metrics: from a domain's hash, which anybody may have written, to the text
 * that Prometheus reads.
 */

#include <stdlib.h>

#include "overview.h"
#include "tap.h"
#include "tlsrpt_domain.h"
#include "tlsrpt_metrics.h"

#define MAX_FIELDS  16


static tlsrpt_str_t
str(const char *text)
{
    tlsrpt_str_t  s = { text, strlen(text) };

    return s;
}


static void
set_string(tlsrpt_reply_t *reply, const char *s, size_t len)
{
    memset(reply, 0, sizeof(*reply));
    reply->type = TLSRPT_REPLY_STRING;
    reply->str = s;
    reply->len = len;
}


/* Adds what HGETALL says of a domain: pairs of a field and its value, those of
   "all" in words. */

static void
add_since(tlsrpt_metrics_t *metrics, const char *domain, int64_t since,
    const char *const *fields)
{
    char            all[TOTALS_SIZE];
    size_t          n;
    tlsrpt_reply_t  strings[MAX_FIELDS], *elements[MAX_FIELDS], reply;

    for (n = 0; fields[n] != NULL; n++) {
        elements[n] = &strings[n];

        if (n % 2 && strcmp(fields[n - 1], "all") == 0) {
            set_string(&strings[n], all, put_totals(all, fields[n]));

        } else {
            set_string(&strings[n], fields[n], strlen(fields[n]));
        }
    }

    memset(&reply, 0, sizeof(reply));
    reply.type = TLSRPT_REPLY_ARRAY;
    reply.elements = elements;
    reply.nelements = n;
    tlsrpt_metrics_add_since(metrics, str(domain), &reply, since, 5000);
}


static void
add(tlsrpt_metrics_t *metrics, const char *domain, const char *const *fields)
{
    add_since(metrics, domain, 0, fields);
}

#define FIELDS(...)  (const char *const []) { __VA_ARGS__, NULL }


static void
is_text(tlsrpt_metrics_t *metrics, const char *want, const char *name)
{
    size_t  len = 0;
    char   *text = tlsrpt_metrics_text(metrics, &len), *got;

    if (text == NULL) {
        ok(0, "%s", name);
        return;
    }

    got = calloc(1, len + 1);
    memcpy(got, text, len);
    is_str(got, want, "%s", name);
    free(got);
    free(text);
    tlsrpt_metrics_destroy(metrics);
}


static tlsrpt_metrics_t *
create(int openmetrics)
{
    tlsrpt_metrics_t  *metrics = tlsrpt_metrics_create(openmetrics);

    if (metrics == NULL) {
        abort();
    }

    return metrics;
}


#define SAMPLES_1                                                             \
    "tlsrpt_reports_total{policy_domain=\"a.example\"} 3\n"                   \
    "tlsrpt_reports_total{policy_domain=\"b.example\"} 1\n"
#define SAMPLES_2                                                             \
    "tlsrpt_sessions_total{policy_domain=\"a.example\","                      \
    "outcome=\"successful\"} 9007199254740991\n"                              \
    "tlsrpt_sessions_total{policy_domain=\"a.example\","                      \
    "outcome=\"failed\"} 20\n"                                                \
    "tlsrpt_sessions_total{policy_domain=\"b.example\","                      \
    "outcome=\"successful\"} 0\n"                                             \
    "tlsrpt_sessions_total{policy_domain=\"b.example\","                      \
    "outcome=\"failed\"} 0\n"
#define SAMPLES_3                                                             \
    "tlsrpt_failed_sessions_total{policy_domain=\"a.example\","               \
    "result_type=\"certificate-expired\"} 12\n"                               \
    "tlsrpt_failed_sessions_total{policy_domain=\"a.example\","               \
    "result_type=\"other\"} 8\n"
#define SAMPLES_4                                                             \
    "tlsrpt_last_report_timestamp_seconds{policy_domain=\"a.example\"} "      \
    "1767225600\n"                                                            \
    "tlsrpt_last_report_timestamp_seconds{policy_domain=\"b.example\"} 7\n"


/* Samples of one metric stand together, though domains come one by one. */

static void
test_domains(void)
{
    for (int openmetrics = 0; openmetrics < 2; openmetrics++) {
        char               want[4096];
        const char        *s = openmetrics ? "" : "_total";
        tlsrpt_metrics_t  *metrics = create(openmetrics);

        add(metrics, "a.example",
            FIELDS("all", "3 9007199254740991 20 1767225600",
                   "t:certificate-expired", "12", "t:other", "8"));
        add(metrics, "b.example", FIELDS("all", "1 0 0 7"));

        snprintf(want, sizeof(want),
                 "# HELP tlsrpt_reports%s Reports counted.\n"
                 "# TYPE tlsrpt_reports%s counter\n" SAMPLES_1
                 "# HELP tlsrpt_sessions%s Sessions that reports tell of, by "
                 "outcome.\n"
                 "# TYPE tlsrpt_sessions%s counter\n" SAMPLES_2
                 "# HELP tlsrpt_failed_sessions%s Failed sessions of failure "
                 "details, by result type.\n"
                 "# TYPE tlsrpt_failed_sessions%s counter\n" SAMPLES_3
                 "# HELP tlsrpt_last_report_timestamp_seconds When the last "
                 "report came.\n"
                 "# TYPE tlsrpt_last_report_timestamp_seconds gauge\n"
                 SAMPLES_4 "# EOF\n", s, s, s, s, s, s);
        is_text(metrics, want, openmetrics ? "OpenMetrics"
                                           : "the older format");
    }
}


/* How many problems are open. */

static void
test_open(void)
{
    json_t            *json;
    tlsrpt_state_t     state = { 0, 0, NULL };
    tlsrpt_metrics_t  *metrics = create(1);

    tlsrpt_metrics_open(metrics, str("a.example"), &state);
    json = json_loads("{\"open\":[{\"severity\":\"high\"},"
                      "{\"severity\":\"medium\"},{\"severity\":\"high\"},"
                      "{\"severity\":\"dire\\\"\\n\"},{\"severity\":1},{}]}", 0,
                      NULL);
    state.json = json;
    tlsrpt_metrics_open(metrics, str("b.example"), &state);
    json_decref(json);

    is_text(metrics,
            "# HELP tlsrpt_open_problems Problems that are open, by severity."
            "\n# TYPE tlsrpt_open_problems gauge\n"
            "tlsrpt_open_problems{policy_domain=\"a.example\","
            "severity=\"high\"} 0\n"
            "tlsrpt_open_problems{policy_domain=\"a.example\","
            "severity=\"medium\"} 0\n"
            "tlsrpt_open_problems{policy_domain=\"a.example\","
            "severity=\"low\"} 0\n"
            "tlsrpt_open_problems{policy_domain=\"b.example\","
            "severity=\"high\"} 2\n"
            "tlsrpt_open_problems{policy_domain=\"b.example\","
            "severity=\"medium\"} 1\n"
            "tlsrpt_open_problems{policy_domain=\"b.example\","
            "severity=\"low\"} 0\n# EOF\n", "open problems");
}


static void
has_open(const char *mark, int want)
{
    tlsrpt_reply_t  strings[2], *elements[2] = { &strings[0], &strings[1] };
    tlsrpt_reply_t  reply;

    memset(&reply, 0, sizeof(reply));
    reply.type = TLSRPT_REPLY_ARRAY;
    reply.elements = elements;
    reply.nelements = 2;
    set_string(&strings[0], "p", 1);
    set_string(&strings[1], mark, strlen(mark));
    is_int(tlsrpt_metrics_has_open(&reply), want, "\"%s\"", mark);
}


static void
test_has_open(void)
{
    tlsrpt_reply_t  nil;

    has_open("1 1", 1);
    has_open("1 16", 1);
    has_open("7 3", 1);
    has_open("1 0", 0);
    has_open("1", 0);
    has_open("", 0);
    has_open("1 x", 0);
    has_open("1 1 1", 0);
    has_open("1 99999999999999999999", 0);

    memset(&nil, 0, sizeof(nil));
    is_int(tlsrpt_metrics_has_open(&nil), 0, "no hash");
}


static void
test_nothing(void)
{
    tlsrpt_reply_t     nil;
    tlsrpt_metrics_t  *metrics = create(1);

    memset(&nil, 0, sizeof(nil));
    tlsrpt_metrics_add(metrics, str("a.example"), &nil);
    add(metrics, "b.example", (const char *const []) { NULL });
    is_text(metrics, "# EOF\n", "no domain has anything");
}


/* What is no count of ours is passed over, and never becomes a label. */

static void
test_foreign(void)
{
    tlsrpt_metrics_t  *metrics = create(1);

    add(metrics, "a.example",
        FIELDS("t:certificate-expired\"} 1\n", "1", "t:", "1",
               "t:made-up-type", "1", "t:others", "1", "x:other", "1",
               "al", "1 1 1 1"));
    add(metrics, "a.example",
        FIELDS("t:other", "", "t:other", "-1", "t:other", "1.5",
               "t:other", "0x1", "t:other", "12345678901234567",
               "t:other", "1\n"));
    add(metrics, "a.example", FIELDS("all", "1 1 1"));
    add(metrics, "a.example", FIELDS("all", "1 9007199254740992 1 1"));
    add(metrics, "a.example", FIELDS("t:other"));
    is_text(metrics, "# EOF\n", "none of it");

    metrics = create(1);
    add(metrics, "a.example", FIELDS("t:other", "1234567890123456"));
    is_text(metrics,
            "# HELP tlsrpt_failed_sessions Failed sessions of failure details,"
            " by result type.\n"
            "# TYPE tlsrpt_failed_sessions counter\n"
            "tlsrpt_failed_sessions_total{policy_domain=\"a.example\","
            "result_type=\"other\"} 1234567890123456\n# EOF\n",
            "16 digits, and no totals beside");
}


/* Of a domain that came to an owner who sees nothing of before: at 1000. */

static void
test_since(void)
{
    static const char  want[] =
        "# HELP tlsrpt_reports Reports counted.\n"
        "# TYPE tlsrpt_reports counter\n"
        "tlsrpt_reports_total{policy_domain=\"a.example\"} 2\n"
        "# HELP tlsrpt_sessions Sessions that reports tell of, by outcome.\n"
        "# TYPE tlsrpt_sessions counter\n"
        "tlsrpt_sessions_total{policy_domain=\"a.example\","
        "outcome=\"successful\"} 70\n"
        "tlsrpt_sessions_total{policy_domain=\"a.example\","
        "outcome=\"failed\"} 4\n"
        "# HELP tlsrpt_failed_sessions Failed sessions of failure details, by"
        " result type.\n"
        "# TYPE tlsrpt_failed_sessions counter\n"
        "tlsrpt_failed_sessions_total{policy_domain=\"a.example\","
        "result_type=\"sts-policy-invalid\"} 0\n"
        "tlsrpt_failed_sessions_total{policy_domain=\"a.example\","
        "result_type=\"other\"} 3\n"
        "# EOF\n";
    static const char *const  not_known[] = {
        "999 3 30 1 0 0 0 ", "1001 3 30 1 0 0 0 ", "1000 3 30 1 0 0", "",
        "1000 3 30 1 0 0 x ", "1000 3 -30 1 0 0 0", "1000  3 30 1 0 0 0",
        "1000 90071992547409921 30 1 0 0 0 "
    };
    tlsrpt_metrics_t  *metrics = create(1);

    add_since(metrics, "a.example", 1000,
              FIELDS("all", "5 100 5 999", "t:sts-policy-invalid", "2",
                     "t:other", "3", "b",
                     "1000 3 30 1 0 0 0 sts-policy-invalid=2"));
    is_text(metrics, want, "what was before is another's");

    for (size_t i = 0; i < sizeof(not_known) / sizeof(not_known[0]); i++) {
        metrics = create(1);
        add_since(metrics, "a.example", 1000,
                  FIELDS("all", "5 100 5 999", "t:other", "3", "b",
                         not_known[i]));
        is_text(metrics, "# EOF\n", not_known[i]);
    }

    metrics = create(1);
    add_since(metrics, "a.example", 4900, FIELDS("t:other", "3"));
    is_text(metrics, "# EOF\n", "nothing while it may be noted");

    metrics = create(1);
    add_since(metrics, "a.example", 1000, FIELDS("t:other", "3"));
    is_text(metrics, "# HELP tlsrpt_failed_sessions Failed sessions of failure"
            " details, by result type.\n# TYPE tlsrpt_failed_sessions counter\n"
            "tlsrpt_failed_sessions_total{policy_domain=\"a.example\","
            "result_type=\"other\"} 3\n# EOF\n",
            "later: there was nothing before");
}


/* Replies of another shape. */

static void
test_types(void)
{
    tlsrpt_reply_t     strings[4], *elements[4], reply;
    tlsrpt_metrics_t  *metrics = create(1);

    set_string(&strings[0], "t:other", 7);
    set_string(&strings[1], "1", 1);
    memset(&strings[2], 0, sizeof(strings[2]));
    memset(&strings[3], 0, sizeof(strings[3]));
    strings[2].type = TLSRPT_REPLY_INTEGER;
    strings[3].type = TLSRPT_REPLY_ARRAY;

    for (size_t i = 0; i < 4; i++) {
        elements[i] = &strings[i];
    }

    memset(&reply, 0, sizeof(reply));
    reply.type = TLSRPT_REPLY_ARRAY;
    reply.elements = elements + 1;          /* "1": integer, and one alone */
    reply.nelements = 3;
    tlsrpt_metrics_add(metrics, str("a.example"), &reply);

    elements[1] = &strings[2];              /* "t:other": integer */
    reply.elements = elements;
    reply.nelements = 2;
    tlsrpt_metrics_add(metrics, str("a.example"), &reply);

    elements[1] = &strings[3];              /* "t:other": array */
    tlsrpt_metrics_add(metrics, str("a.example"), &reply);

    reply.type = TLSRPT_REPLY_STRING;
    tlsrpt_metrics_add(metrics, str("a.example"), &reply);
    is_text(metrics, "# EOF\n", "values of other types");
}


static void
test_host(void)
{
    tlsrpt_metric_t    metric = { "tlsrpt_requests_total", "Requests.",
                                  "counter", "status", "201", 5 };
    tlsrpt_metrics_t  *metrics = create(1);

    tlsrpt_metrics_host(metrics, &metric);
    metric.label_value = "503";
    metric.value = 9007199254740991.0;
    tlsrpt_metrics_host(metrics, &metric);
    metric = (tlsrpt_metric_t) { "tlsrpt_queue", "Waiting.", "gauge", NULL,
                                 NULL, 0.25 };
    tlsrpt_metrics_host(metrics, &metric);
    add(metrics, "a.example", FIELDS("t:other", "1"));
    is_text(metrics,
            "# HELP tlsrpt_failed_sessions Failed sessions of failure details,"
            " by result type.\n"
            "# TYPE tlsrpt_failed_sessions counter\n"
            "tlsrpt_failed_sessions_total{policy_domain=\"a.example\","
            "result_type=\"other\"} 1\n"
            "# HELP tlsrpt_requests Requests.\n"
            "# TYPE tlsrpt_requests counter\n"
            "tlsrpt_requests_total{status=\"201\"} 5\n"
            "tlsrpt_requests_total{status=\"503\"} 9.00719925474099e+15\n"
            "# HELP tlsrpt_queue Waiting.\n"
            "# TYPE tlsrpt_queue gauge\n"
            "tlsrpt_queue 0.25\n# EOF\n",
            "the host's own behind, each name told once");
}


static void
test_long(void)
{
    char               name[TLSRPT_DOMAIN_LEN + 1], *text;
    size_t             len;
    tlsrpt_metrics_t  *metrics = create(1);

    memset(name, 'a', TLSRPT_DOMAIN_LEN);
    name[TLSRPT_DOMAIN_LEN] = '\0';
    add(metrics, name,
        FIELDS("all", "9007199254740991 9007199254740991 9007199254740991 "
                      "9007199254740991",
               "t:sts-policy-fetch-error", "9007199254740991"));
    text = tlsrpt_metrics_text(metrics, &len);
    ok(text != NULL, "the longest name and the largest numbers");
    free(text);
    tlsrpt_metrics_destroy(metrics);
    tlsrpt_metrics_destroy(NULL);
}


int
main(void)
{
    test_domains();
    test_open();
    test_has_open();
    test_nothing();
    test_foreign();
    test_since();
    test_types();
    test_host();
    test_long();

    return done();
}
