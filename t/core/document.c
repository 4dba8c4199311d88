/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Mail servers against the mx lines of policies, and one report as JSON and as
 * a page: what is shown of it, and how it is bounded.
 */

#include "tap.h"
#include "report.h"
#include "tlsrpt_cover.h"
#include "tlsrpt_document.h"

static tlsrpt_reader_t  *reader;


static void
is_covered(const char *pattern, const char *mx, int covers, int too_deep)
{
    is_int(tlsrpt_covers(str(pattern), str(mx)), covers, "\"%s\", %s", pattern,
           mx);
    is_int(tlsrpt_is_too_deep(str(pattern), str(mx)), too_deep,
           "by many labels");
}


static void
test_cover(void)
{
    is_covered("mx.example.com", "mx.example.com", 1, 0);
    is_covered("MX.Example.COM. ", "mx.example.com", 1, 0);
    is_covered("*.example.com", "mx.example.com", 1, 0);
    is_covered(".example.com", "mx.example.com", 1, 0);
    is_covered("*.example.com", "a.b.example.com", 0, 1);
    is_covered(".Example.com.", "a.b.example.com", 0, 1);
    is_covered("*.example.com", "example.com", 0, 0);
    is_covered("*.example.com", "notexample.com", 0, 0);
    is_covered("*.example.com", "a.notexample.com", 0, 0);
    is_covered("example.com", "mx.example.com", 0, 0);
    is_covered("*", "mx.example.com", 0, 0);
    is_covered("*.", "mx.example.com", 0, 0);
    is_covered(".", "mx.example.com", 0, 0);
    is_covered("", "mx.example.com", 0, 0);
    is_covered("", "", 0, 0);
    is_covered("*.example.com", "", 0, 0);
}


static void
test_long_pattern(void)
{
    char          text[300];
    tlsrpt_str_t  pattern = { text, TLSRPT_MAX_STRING };

    memset(text, 'a', sizeof(text));
    text[0] = '.';
    ok(!tlsrpt_covers(pattern, str("mx.example.com")), "as long as can be");
    pattern.len++;
    ok(!tlsrpt_covers(pattern, str("mx.example.com")), "longer");
    ok(!tlsrpt_is_too_deep(pattern, str("mx.example.com")), "nor too deep");
}


/* A report with these policies. */

static const tlsrpt_report_t *
report_of(const char *policies)
{
    int          n;
    static char  text[400000];

    n = snprintf(text, sizeof(text), "{\"organization-name\":\"One\","
                 "\"report-id\":\"1\",\"contact-info\":\"x\",\"date-range\":{"
                 "\"start-datetime\":\"2026-01-10T00:00:00Z\","
                 "\"end-datetime\":\"2026-01-10T23:59:59Z\"},"
                 "\"policies\":[%s]}", policies);

    return read_report(reader, text, (size_t) n, "example.com");
}


static char *
page_of(const char *policies, const char *domain)
{
    size_t             len;
    char              *text, *copy;
    tlsrpt_document_t  document = { report_of(policies), str(domain), NULL,
                                    0, NULL };

    if (document.report == NULL) {
        printf("Bail out! %s\n", tlsrpt_reader_error(reader)->detail);
        exit(1);
    }

    text = tlsrpt_document_text(&document, &len);
    copy = text ? malloc(len + 1) : NULL;

    if (copy == NULL) {
        abort();
    }

    memcpy(copy, text, len);
    copy[len] = '\0';
    free(text);

    return copy;
}


static void
says(const char *policies, const char *domain, const char *piece, int want)
{
    char  *page = page_of(policies, domain);

    if (!ok((strstr(page, piece) != NULL) == want, "%s%s", want ? "" : "not ",
            piece))
    {
        tap_show("page", page);
    }

    free(page);
}


#define POLICY(type, domain, more, failed, details)                           \
    "{\"policy\":{\"policy-type\":\"" type "\",\"policy-domain\":\"" domain   \
    "\"" more "},\"summary\":{\"total-successful-session-count\":1,"          \
    "\"total-failure-session-count\":" #failed "},\"failure-details\":["      \
    details "]}"
#define MX  ",\"mx-host\":[\"*.example.com\"]"
#define AT(type, mx)                                                          \
    "{\"result-type\":\"" type "\",\"receiving-mx-hostname\":\"" mx           \
    "\",\"failed-session-count\":1}"


static void
test_page(void)
{
    const char  *add = "Is mx.eu.example.com one of your mail servers?";
    const char  *no = "The policy seen has no mx line that covers this name.";
    const char  *one = POLICY("sts", "example.com", MX, 1,
                              AT("validation-failure", "mx.eu.example.com"));

    says(one, NULL, no, 1);
    says(one, NULL, add, 1);
    says(one, "example.com", add, 1);
    says(one, "example.net", add, 0);
    says(one, "example.net", "No sessions", 1);

    one = POLICY("sts", "example.com", MX, 1,
                 AT("validation-failure", "mx.example.com"));
    says(one, NULL, no, 0);
    says(one, NULL, "one of your mail servers?", 0);

    one = POLICY("sts", "example.com", MX, 1,
                 AT("certificate-expired", "mx.eu.example.com"));
    says(one, NULL, no, 1);
    says(one, NULL, add, 1);
    says(one, NULL, "Look at every \"NotAfter\"", 1);

    one = POLICY("sts", "example.com", ",\"policy-string\":[\"mx: a.example\"]",
                 1, AT("validation-failure", "mx.eu.example.com"));
    says(one, NULL, add, 1);

    one = POLICY("tlsa", "example.com", MX, 1,
                 AT("validation-failure", "mx.eu.example.com"));
    says(one, NULL, no, 0);

    one = POLICY("sts", "example.com", "", 1,
                 AT("validation-failure", "mx.eu.example.com"));
    says(one, NULL, no, 0);

    one = POLICY("sts", "example.com", MX, 5, AT("tlsa-invalid", "a.example"));
    says(one, NULL, "* 4 failed without details", 1);
    says(one, NULL, "DANE record does not match", 1);
    says(one, NULL, "Failures without a reason", 1);
    says(one, NULL, "1 session succeeded and 5 failed", 1);

    one = POLICY("future", "example.com", "", 0, "");
    says(one, NULL, "of a kind that RFC 8460 does not know", 1);
    says("", NULL, "No sessions", 1);
}


/* Warnings on other domains' policies are theirs. */

static void
test_warnings(void)
{
    char               *text;
    size_t              len;
    json_t             *json;
    const char         *two = "{\"policy\":{\"policy-type\":\"sts\","
        "\"policy-domain\":\"example.com\",\"mx-host\":[\"a.example\"],"
        "\"policy-string\":[\"a\"]},\"summary\":{"
        "\"total-successful-session-count\":\"1\","
        "\"total-failure-session-count\":0}},"
        POLICY("sts", "example.net", "", 0, "");
    tlsrpt_document_t   document = { NULL, str("example.com"), NULL, 77,
                                     NULL };

    document.report = report_of(two);
    text = tlsrpt_document_json(&document, &len);
    json = json_loadb(text, len, 0, NULL);
    free(text);
    is_int((long long) json_array_size(json_object_get(json, "policies")), 1,
           "one policy");
    is_int((long long) json_array_size(json_object_get(json, "warnings")), 1,
           "and its warning");
    is_int(json_integer_value(json_object_get(json, "size")), 77, "the size");
    json_decref(json);

    says(two, "example.com", "policies[0].summary", 1);
    says(two, "example.com", "policies[1]", 0);
    says(two, "example.com", "example.net", 0);
    says(two, "example.net", "policies[0].summary", 0);
    says(two, NULL, "policies[1].policy.mx-host", 1);

    /* one that cannot be used is still another's, if it names a domain */
    two = POLICY("sts", "example.com", MX, 0, "") ","
        "{\"policy\":{\"policy-type\":\"sts\","
        "\"policy-domain\":\"example.net\"}}";
    says(two, "example.com", "policies[1]", 0);
    says(two, "example.net", "policies[1]", 1);
}


static void
test_bounds(void)
{
    size_t       n = 0, lines = 0;
    char        *page;
    static char  details[300000], policy[350000];

    for (int i = 0; i < 2000; i++) {
        n += (size_t) snprintf(details + n, sizeof(details) - n,
                               "%s{\"result-type\":\"type-%d\","
                               "\"failed-session-count\":9007199254740991}",
                               i ? "," : "", i);
    }

    snprintf(policy, sizeof(policy), "{\"policy\":{\"policy-type\":\"sts\","
             "\"policy-domain\":\"example.com\"},\"summary\":{"
             "\"total-successful-session-count\":0,"
             "\"total-failure-session-count\":9007199254740991},"
             "\"failure-details\":[%s]}", details);
    page = page_of(policy, NULL);

    for (const char *p = page; (p = strchr(p, '\n')) != NULL; p++) {
        lines++;
    }

    ok(lines < 5000, "2,000 failures, %zu lines", lines);
    ok(strstr(page, "and more failures than this text lists") != NULL,
       "it says so");
    ok(strstr(page, "without details") == NULL, "sums do not overflow");
    free(page);
}


/* Microsoft counts the same sessions under sts and under tlsa. */

static void
test_told_twice(void)
{
    static const char  both[] =
        POLICY("sts", "example.com", "", 0, "") ","
        POLICY("tlsa", "example.com", "", 0, "");
    static const char  differ[] =
        POLICY("tlsa", "example.com", "", 0, "") ","
        POLICY("no-policy-found", "example.com", "", 0, "");

    says(both, "example.com", "Mail to example.com in all: 1 session succeeded "
         "and 0 failed.", 1);
    says(both, "example.com", "told twice: they count once.", 1);
    says(both, "example.com", "the same sessions as above, told a second time.",
         1);
    says(differ, "example.com", "in all: 2 sessions succeeded and 0 failed.",
         1);
    says(differ, "example.com", "told", 0);
    says(POLICY("sts", "example.com", "", 0, ""), "example.com", "in all", 0);
}


int
main(void)
{
    reader = tlsrpt_reader_create();

    test_cover();
    test_long_pattern();
    test_page();
    test_warnings();
    test_bounds();
    test_told_twice();
    tlsrpt_reader_destroy(reader);

    return done();
}
