/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Reports made to hurt: what is kept of them is bounded, what they count is
 * exact.
 */

#include "tap.h"
#include "report.h"
#include "tlsrpt_packed.h"
#include "tlsrpt_tally.h"

#define MAX  TLSRPT_MAX_COUNT

static tlsrpt_reader_t  *reader;
static char             *body;
static size_t            body_len;
static size_t            body_size;


__attribute__((format(printf, 1, 2)))
static void
add(const char *fmt, ...)
{
    va_list  args;

    if (body_size - body_len < 8192) {
        body_size = 2 * body_size + 65536;
        body = realloc(body, body_size);
    }

    if (body == NULL) {
        abort();
    }

    va_start(args, fmt);
    body_len += (size_t) vsnprintf(body + body_len, body_size - body_len, fmt,
                                   args);
    va_end(args);
}


static void
begin(void)
{
    body_len = 0;
    add("{\"organization-name\":\"Example Sender\",\"report-id\":\"1\","
        "\"contact-info\":\"a\",\"date-range\":{\"start-datetime\":"
        "\"2026-01-10T00:00:00Z\",\"end-datetime\":"
        "\"2026-01-10T23:59:59Z\"},\"policies\":[");
}


static void
begin_policy(const char *domain, unsigned long long successful,
    unsigned long long failed)
{
    add("{\"policy\":{\"policy-type\":\"no-policy-found\","
        "\"policy-domain\":\"%s\"},\"summary\":{"
        "\"total-successful-session-count\":%llu,"
        "\"total-failure-session-count\":%llu},\"failure-details\":[", domain,
        successful, failed);
}


static const tlsrpt_report_t *
end(const char *tail)
{
    const tlsrpt_report_t  *report;

    add("%s", tail);
    report = read_report(reader, body, body_len, NULL);

    if (report == NULL) {
        const tlsrpt_error_t  *e = tlsrpt_reader_error(reader);

        printf("# %s: %s %s\n", e->path, tlsrpt_error_text(e->code),
               e->detail);
    }

    return report;
}


/* Ingests the first domain's part, asks for it again. */

static void
counts_are(const tlsrpt_report_t *report, uint64_t successful,
    uint64_t failed, uint64_t in_details, const char *params)
{
    size_t             i;
    long long          sum = 0;
    json_t            *json, *group;
    kept_t             kept = { NULL, 0, "", "" };
    tlsrpt_command_t  *c = ingest(report, 0);

    if (!ok(c != NULL, "is ingested")) {
        return;
    }

    ok(ARG_LEN(c, 1) <= 262144, "the packed report is bounded: %zu bytes",
       ARG_LEN(c, 1));
    ok(ARG_LEN(c, 2) < 65536, "the brief one too: %zu bytes", ARG_LEN(c, 2));
    ok(ARG_LEN(c, 2) > 0 || ARG_LEN(c, 1) <= 512, "there is one of a long one");

    for (int n = 1; n <= (ARG_LEN(c, 2) ? 2 : 1); n++) {
        kept.len = 0;
        keep(&kept, ARG(c, n), ARG_LEN(c, n));
        json = answer(report->domains[0], params, &kept, report->day);

        is_int(json_integer_value(json_object_get(json,
                                  "total-successful-session-count")),
               (long long) successful, "successes");
        is_int(json_integer_value(json_object_get(json,
                                  "total-failure-session-count")),
               (long long) failed, "failures");
        sum = 0;

        json_array_foreach(json_object_get(json, "groups"), i, group) {
            sum += json_integer_value(json_object_get(group,
                                                      "failed-session-count"));
        }

        is_int(sum, (long long) in_details, "by details, %s",
               n == 1 ? "in full" : "brief");
        json_decref(json);
    }

    free(kept.day_log);
    tlsrpt_command_destroy(c);
}


static void
test_addresses(void)
{
    const tlsrpt_report_t  *report;

    begin();
    begin_policy("example.com", 5, 100007);

    for (int i = 0; i < 100000; i++) {
        add("%s{\"sending-mta-ip\":\"10.%d.%d.%d\",\"failed-session-count\":1}",
            i ? "," : "", i / 65536, i / 256 % 256, i % 256);
    }

    report = end("]}]}");

    if (ok(report != NULL, "100,000 addresses")) {
        is_int((long long) report->policies[0].ndetails, TLSRPT_MAX_DETAILS,
               "so many details are kept");
        is_int((long long) report->policies[0].overflow,
               100000 - TLSRPT_MAX_DETAILS, "the sessions of the rest");
        is_int((long long) report->nwarnings, TLSRPT_MAX_WARNINGS,
               "warnings are bounded");
        ok(report->nwarnings_overflow > 10000, "those beyond are counted");
        counts_are(report, 5, 100007, 100007, "by=sending-mta-ip");
    }
}


static void
test_large_counts(void)
{
    size_t                  i, warned = 0;
    const tlsrpt_report_t  *report;

    begin();
    begin_policy("example.com", MAX, MAX);

    for (i = 0; i < TLSRPT_MAX_DETAILS + 4096; i++) {
        add("%s{\"result-type\":\"tlsa-invalid\",\"sending-mta-ip\":"
            "\"192.0.2.1\",\"receiving-mx-hostname\":\"mx\","
            "\"failed-session-count\":%llu}", i ? "," : "", MAX);
    }

    report = end("]}]}");

    if (ok(report != NULL, "more details than are kept, each of 2^53 - 1")) {
        is_int((long long) report->policies[0].overflow, (long long) MAX,
               "sums stop at the bound");
        is_int((long long) report->policies[0].ndetails, TLSRPT_MAX_DETAILS,
               "details are kept");

        for (i = 0; i < report->nwarnings; i++) {
            warned += strstr(report->warnings[i].message, "too many") != NULL;
        }

        is_int((long long) warned, 1, "that there are too many is said once");
    }
}


static void
test_text(void)
{
    const tlsrpt_report_t  *report;

    begin();
    begin_policy("example.com", 1, 10000);

    for (int i = 0; i < 10000; i++) {
        add("%s{\"failure-reason-code\":\"%0255d\","
            "\"receiving-mx-hostname\":\"<%0240d>\"}", i ? "," : "", i, i);
    }

    report = end("]},{\"policy\":{\"policy-type\":\"sts\",\"policy-domain\":"
                 "\"example.com\",\"policy-string\":[\"version: STSv1\"],"
                 "\"mx-host\":\"mx\"},\"summary\":{"
                 "\"total-successful-session-count\":2}}]}");

    if (ok(report != NULL, "5 MB of strings")) {
        ok(report->policies[0].ndetails < 2100, "details are kept: %zu",
           report->policies[0].ndetails);
        is_int((long long) (report->policies[0].ndetails
                            + report->policies[0].overflow), 10000,
               "the others' sessions are counted");
        is_int((long long) report->npolicies, 2, "what follows is read");
        counts_are(report, 3, 10000, 10000, "by=failure-reason-code");
    }
}


static void
test_policy_strings(void)
{
    const tlsrpt_report_t  *report;

    begin();
    add("{\"policy\":{\"policy-type\":\"sts\",\"policy-domain\":"
        "\"example.com\",\"mx-host\":[\"mx\"],\"policy-string\":[\"x\"");

    for (int i = 0; i < 70000; i++) {
        add(",\"%d\"", i);
    }

    report = end("]},\"summary\":{\"total-successful-session-count\":1}}]}");
    ok(report != NULL, "70,000 policy strings");
    ok(report != NULL && report->policies[0].npolicy_string < 65536,
       "are bounded");

    begin();
    add("{\"policy\":{\"policy-type\":\"sts\",\"policy-domain\":"
        "\"example.com\",\"mx-host\":[\"mx\"],\"policy-string\":[\"");

    for (int i = 0; i < 3000; i++) {
        add("%s", "\xe2\x82\xac");
    }

    report = end("\"]},\"summary\":{\"total-successful-session-count\":1}}]}");

    if (ok(report != NULL, "one of 9,000 bytes")) {
        is_int((long long) report->policies[0].policy_string[0].len, 4095,
               "is cut, at a character's end");
    }
}


/* What costs more than it is long: IDNA, and JSON within strings. */

static void
test_costs(void)
{
    size_t                  ascii = 0, wrapped = 0;
    const tlsrpt_report_t  *report;

    begin();
    begin_policy("example.com", 1, 1);

    for (int i = 0; i < 2000; i++) {
        add("%s{\"receiving-mx-hostname\":\"mx%d.b\xc3\xbc" "cher.example\"}",
            i ? "," : "", i);
    }

    report = end("]}]}");

    for (size_t i = 0; report != NULL && i < 2000; i++) {
        ascii += strstr(report->policies[0].details[i].receiving_mx_hostname
                        .data, ".xn--bcher-kva.example") != NULL;
    }

    is_int((long long) ascii, 1024, "of 2,000 names with U-labels, the first");

    begin();
    begin_policy("example.com", 1, 1);

    for (int i = 0; i < 2000; i++) {
        add("%s{\"receiving-mx-hostname\":\"b\xc3\xbc" "cher.example\"}",
            i ? "," : "");
    }

    report = end("]}]}");
    is_str(report ? report->policies[0].details[1999].receiving_mx_hostname
                    .data : NULL, "xn--bcher-kva.example",
           "one name is taken as often as it comes");

    begin();

    for (int i = 0; i < 100; i++) {
        add("%s{\"policy\":{\"policy-type\":\"tlsa\",\"policy-domain\":"
            "\"example.com\",\"policy-string\":\"[\\\"%01000d\\\"]\"},"
            "\"summary\":{\"total-successful-session-count\":1}}",
            i ? "," : "", i);
    }

    report = end("]}");

    for (size_t i = 0; report != NULL && i < 100; i++) {
        wrapped += report->policies[i].policy_string[0].data[0] == '[';
    }

    is_int((long long) wrapped, 100 - 65536 / 1004,
           "so much JSON in strings is unwrapped");
}


static void
test_policies(void)
{
    unsigned                all = 0;
    const tlsrpt_report_t  *report;

    begin();

    for (int i = 0; i < TLSRPT_MAX_POLICIES; i++) {
        char  domain[32];

        snprintf(domain, sizeof(domain), "d%d.example", i % TLSRPT_MAX_DOMAINS);
        add("%s", i ? "," : "");
        begin_policy(domain, 1, 1);
        add("{\"failed-session-count\":1}]}");
    }

    report = end("]}");

    if (ok(report != NULL, "as many policies and domains as may be")) {
        is_int((long long) report->ndomains, TLSRPT_MAX_DOMAINS, "domains");

        for (unsigned i = 0; i < report->ndomains; i++) {
            tlsrpt_command_t  *c = ingest(report, i);

            all += (unsigned) strtoul(ARG(c, 6), NULL, 10);
            tlsrpt_command_destroy(c);
        }

        is_int(all, TLSRPT_MAX_POLICIES, "no session is lost");
        counts_are(report, 16, 16, 16, "by=receiving-ip");
    }
}


/* Whatever is in a string, warnings and errors can be told as JSON. */

static void
test_strings(void)
{
    json_t                 *json;
    const tlsrpt_report_t  *report;
    char                    text[2048];

    for (int pad = 0; pad < 8; pad++) {
        size_t  n = 0;

        memset(text, 'x', (size_t) pad);
        n += (size_t) pad;

        while (n < 1500) {
            n += (size_t) snprintf(text + n, sizeof(text) - n, "%s",
                                   "\xf0\x9f\x98\x80\\u0001<b>\\\"");
        }

        begin();
        add("{\"policy\":{\"policy-type\":\"%s\",\"policy-domain\":"
            "\"example.com\",\"policy-string\":\"%s\",\"mx-host\":\"%s\"},"
            "\"summary\":{\"total-successful-session-count\":1},"
            "\"failure-details\":[{\"result-type\":\"%s\",\"sending-mta-ip\":"
            "\"%s\",\"receiving-mx-hostname\":\"%s\",\"receiving-mx-helo\":"
            "\"%s\",\"receiving-ip\":\"%s\",\"additional-information\":\"%s\","
            "\"failure-reason-code\":\"%s\"}]}", text, text, text, text, text,
            text, text, text, text, text);
        report = end("]}");

        if (ok(report != NULL, "long strings, cut at %d", pad)) {
            json = tlsrpt_report_warnings_json(report);
            ok(json != NULL, "the warnings can be told");
            json_decref(json);
            counts_are(report, 1, 0, 1, "by=policy-type,result-type,"
                       "receiving-mx-hostname,failure-reason-code");
        }

        begin();
        add("{\"policy\":{},\"summary\":{\"total-successful-session-count\":"
            "\"%s\"}}", text);
        ok(end("]}") == NULL, "as a count");
        json = json_string(tlsrpt_reader_error(reader)->detail);
        ok(json != NULL, "the error can be told");
        json_decref(json);
    }
}


int
main(void)
{
    reader = tlsrpt_reader_create();

    test_addresses();
    test_large_counts();
    test_text();
    test_policy_strings();
    test_costs();
    test_policies();
    test_strings();

    tlsrpt_reader_destroy(reader);
    free(body);

    return done();
}
