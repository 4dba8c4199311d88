/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What makes a report another one, and what does not: what its JSON says does,
 * and what reading it makes of that does not.
 */

#include "tap.h"
#include "report.h"
#include "tlsrpt_identity.h"

static tlsrpt_reader_t  *reader;
static unsigned char     usual[TLSRPT_DIGEST_LEN];


/* Of the report's part on the domain; 0, or -1. */

static int
digest_of(const char *body, size_t len, const tlsrpt_reader_conf_t *conf,
    const char *domain, unsigned char digest[TLSRPT_DIGEST_LEN])
{
    const tlsrpt_report_t  *report = NULL;

    tlsrpt_reader_reset(reader, conf);

    if (tlsrpt_reader_feed(reader, body, len) != TLSRPT_OK
        || tlsrpt_reader_finish(reader, &report) != TLSRPT_OK)
    {
        printf("# %s\n", tlsrpt_error_text(tlsrpt_reader_error(reader)->code));
        return -1;
    }

    for (unsigned i = 0; i < report->ndomains; i++) {
        if (strcmp(report->domains[i].data, domain) == 0) {
            return tlsrpt_identity(report, i, digest);
        }
    }

    printf("# no %s\n", domain);
    return -1;
}


static int
usual_of(const char *body)
{
    tlsrpt_reader_conf_t  conf = { .max_size = MAX_SIZE };

    return digest_of(body, strlen(body), &conf, "example.com", usual);
}


static void
compare(const char *body, int same, const char *name)
{
    int                   rc;
    unsigned char         digest[TLSRPT_DIGEST_LEN];
    tlsrpt_reader_conf_t  conf = { .max_size = MAX_SIZE };

    rc = digest_of(body, strlen(body), &conf, "example.com", digest);
    ok(rc == 0 && (memcmp(digest, usual, sizeof(usual)) == 0) == same,
       "%s: %s", name, same ? "the same" : "another");
}


/* With the first of what (there must be one) replaced. */

static void
with(const char *body, const char *what, const char *by, int same,
    const char *name)
{
    char         changed[16384];
    const char  *p = strstr(body, what);

    if (!ok(p != NULL, "%s is there", name)) {
        return;
    }

    snprintf(changed, sizeof(changed), "%.*s%s%s", (int) (p - body), body, by,
             p + strlen(what));
    compare(changed, same, name);
}


#define ORG     "\"organization-name\":\"Example Sender\","
#define HEAD    ORG "\"date-range\":{\"start-datetime\":"                     \
                "\"2026-01-10T00:00:00Z\",\"end-datetime\":"                  \
                "\"2026-01-10T23:59:59Z\"},\"contact-info\":"                 \
                "\"a@sender.example\",\"report-id\":\"1\","
#define ONE     "{\"result-type\":\"certificate-expired\","                   \
                "\"sending-mta-ip\":\"192.0.2.1\",\"receiving-mx-hostname\":" \
                "\"mx.example.com\",\"receiving-mx-helo\":\"helo\","          \
                "\"receiving-ip\":\"198.51.100.1\",\"failed-session-count\":" \
                "3,\"additional-information\":\"more\","                      \
                "\"failure-reason-code\":\"why\"}"
#define TWO     "{\"result-type\":\"validation-failure\","                    \
                "\"failed-session-count\":1}"
#define STS     "\"policy\":{\"policy-type\":\"sts\",\"policy-string\":["     \
                "\"version: STSv1\",\"mode: enforce\"],\"policy-domain\":"    \
                "\"example.com\",\"mx-host\":[\"mx.example.com\"]}"
#define SUMS    "\"summary\":{\"total-successful-session-count\":5,"          \
                "\"total-failure-session-count\":4}"
#define FIRST   "{" STS "," SUMS ",\"failure-details\":[" ONE "," TWO "]}"
#define SECOND  "{\"policy\":{\"policy-type\":\"tlsa\",\"policy-domain\":"    \
                "\"example.com\"},\"summary\":{"                              \
                "\"total-successful-session-count\":7}}"
#define OTHER   "{\"policy\":{\"policy-type\":\"sts\",\"policy-domain\":"     \
                "\"example.net\"},\"summary\":{"                              \
                "\"total-successful-session-count\":8}}"
#define BODY    "{" HEAD "\"policies\":[" FIRST "," SECOND "," OTHER "]}"


/* Each member by itself. */

static void
test_members(void)
{
    static const char *const  members[][2] = {
        { "Example Sender", "Another Sender" },
        { "a@sender.example", "b@sender.example" },
        { "\"report-id\":\"1\"", "\"report-id\":\"2\"" },
        { "00:00:00Z", "00:00:01Z" },
        { "23:59:59Z", "23:59:58Z" },
        { "policy-type\":\"sts", "policy-type\":\"stz" },
        { "STSv1", "STSv2" },
        { "mode: enforce", "mode: testing" },
        { "mx-host\":[\"mx.", "mx-host\":[\"mx2." },
        { "successful-session-count\":5", "successful-session-count\":6" },
        { "failure-session-count\":4", "failure-session-count\":5" },
        { "certificate-expired", "tlsa-invalid" },
        { "192.0.2.1", "192.0.2.2" },
        { "hostname\":\"mx.", "hostname\":\"mx2." },
        { "\"helo\"", "\"ehlo\"" },
        { "198.51.100.1", "198.51.100.2" },
        { "failed-session-count\":3", "failed-session-count\":2" },
        { "more", "less" },
        { "\"why\"", "\"how\"" },
        { "," TWO, "" },
        { "," TWO, "," TWO "," TWO },
        { "," TWO, "," TWO ",{}" },
        { "," SECOND, "" },
        { "," SECOND, "," SECOND "," SECOND },
        { ORG, "" },
        { "\"contact-info\":\"a@sender.example\",", "" },
        { "\"report-id\":\"1\",", "" },
        { "\"receiving-mx-helo\":\"helo\",", "" },
        { "\"version: STSv1\",\"mode: enforce\"",
          "\"mode: enforce\",\"version: STSv1\"" },
    };

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        with(BODY, members[i][0], members[i][1], 0, members[i][0]);
    }
}


/* Two strings that are one another way. */

static void
test_borders(void)
{
    usual_of("{" HEAD "\"policies\":[{\"policy\":{\"policy-domain\":"
             "\"example.com\",\"policy-string\":[\"ab\",\"c\"]},"
             SUMS "}]}");
    compare("{" HEAD "\"policies\":[{\"policy\":{\"policy-domain\":"
            "\"example.com\",\"policy-string\":[\"a\",\"bc\"]},"
            SUMS "}]}", 0, "another border between two strings");
    compare("{" HEAD "\"policies\":[{\"policy\":{\"policy-domain\":"
            "\"example.com\",\"mx-host\":[\"c\"],\"policy-string\":[\"ab\"]},"
            SUMS "}]}", 0, "another member's");

    usual_of("{" HEAD "\"policies\":[" FIRST "," SECOND "]}");
    compare("{" HEAD "\"policies\":[{" STS "," SUMS ",\"failure-details\":["
            ONE "]}," "{\"policy\":{\"policy-type\":\"tlsa\","
            "\"policy-domain\":\"example.com\"},\"summary\":{"
            "\"total-successful-session-count\":7},\"failure-details\":[" TWO
            "]}]}", 0, "a detail of the other policy");
}


/* The same, said otherwise. */

static void
test_forms(void)
{
    static const char *const  forms[][3] = {
        { "an unknown member", "{" ORG, "{\"x\":[{\"y\":1}]," ORG },
        { "white space", "\"policies\":[", " \"policies\" :\n\t[ " },
        { "an escaped character", "Example Sender", "\\u0045xample Sender" },
        { "a count quoted", "count\":5", "count\":\"5\"" },
        { "a count of details quoted", "count\":3", "count\":\"3\"" },
        { "a count with blanks", "count\":5", "count\":\" 5 \"" },
        { "a count with zeros", "count\":5", "count\":\"005\"" },
        { "a number for a string", "\"report-id\":\"1\"", "\"report-id\":1" },
        { "a member that is null", "\"result-type\":\"val",
          "\"receiving-mx-helo\":null,\"result-type\":\"val" },
        { "a member that is empty", "\"result-type\":\"val",
          "\"receiving-mx-helo\":\"\",\"result-type\":\"val" },
        { "details that are null", "count\":7}", "count\":7},"
          "\"failure-details\":null" },
        { "details that are empty", "count\":7}", "count\":7},"
          "\"failure-details\":[]" },
        { "a list that is empty", "policy-type\":\"tlsa\"",
          "policy-type\":\"tlsa\",\"mx-host\":[]" },
        { "a list of an empty string", "policy-type\":\"tlsa\"",
          "policy-type\":\"tlsa\",\"mx-host\":[\"\"]" },
        { "a string for a list", "[\"mx.example.com\"]",
          "\"mx.example.com\"" },
        { "members in another order",
          "\"policy-type\":\"tlsa\",\"policy-domain\":\"example.com\"",
          "\"policy-domain\":\"example.com\",\"policy-type\":\"tlsa\"" },
        { "a list in between",
          "\"policy-type\":\"sts\",\"policy-string\":[\"version: STSv1\","
          "\"mode: enforce\"],\"policy-domain\":\"example.com\"",
          "\"policy-domain\":\"example.com\",\"policy-string\":[\"version: "
          "STSv1\",\"mode: enforce\"],\"policy-type\":\"sts\"" },
        { "objects in another order", STS "," SUMS, SUMS "," STS },
        { "details in another order", ONE "," TWO, TWO "," ONE },
        { "policies in another order", FIRST "," SECOND "," OTHER,
          OTHER "," SECOND "," FIRST },
        { "policies behind the head", HEAD "\"policies\":[" FIRST "," SECOND
          "," OTHER "]", "\"policies\":[" FIRST "," SECOND "," OTHER "],"
          HEAD "\"z\":0" },
        { "another domain's policy", "count\":8", "count\":9" },
        { "no policy of another domain", "," OTHER, "" },
    };

    is_int(usual_of(BODY), 0, "a report");

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        with(BODY, forms[i][1], forms[i][2], 1, forms[i][0]);
    }
}


/* What is mended, bounded or left out counts as it was sent. */

static void
test_mended(void)
{
    char  body[4096];

    usual_of(BODY);
    with(BODY, "Example Sender", " Example Sender ", 0, "blanks around");
    with(BODY, "certificate-expired", "Certificate-Expired", 0, "upper case");
    with(BODY, "policy-domain\":\"example.com", "policy-domain\":\"EXAMPLE.com",
         0, "a domain in upper case");
    with(BODY, "00:00:00Z", "00:00:00+00:00", 0, "a date in another form");
    with(BODY, "\"192.0.2.1\"", "\"none\"", 0, "an address that is none");
    with(BODY, "\"192.0.2.1\"", "\"192.0.2.1 \"", 0, "one with a blank");

    snprintf(body, sizeof(body), "{" HEAD "\"policies\":[{" STS "," SUMS
             ",\"failure-details\":[{\"receiving-mx-helo\":\"%0300d\"}]}]}", 1);
    usual_of(body);
    with(body, "01\"", "02\"", 0, "the end of a string that is cut");

    usual_of("{" HEAD "\"policies\":[" FIRST ",{" STS "}]}");
    compare("{" HEAD "\"policies\":[" FIRST "]}", 0,
            "a policy that is left out");
    compare("{" HEAD "\"policies\":[" FIRST ",{\"policy\":{\"policy-type\":"
            "\"sts\",\"policy-domain\":\"example.com\"}}]}", 0,
            "what one says that is left out");
}


static size_t
put_detail(char *p, size_t size, int n)
{
    return (size_t) snprintf(p, size, "{\"sending-mta-ip\":\"10.%d.%d.%d\","
                             "\"receiving-mx-helo\":\"%d\"},", n / 65536,
                             n / 256 % 256, n % 256, n % 7);
}


/* More details than are kept, in this order or backwards, one of them another
   if it is given. */

static int
many_details(int backwards, int other, unsigned char digest[TLSRPT_DIGEST_LEN])
{
    int                   rc;
    const int             n = 40000;
    size_t                size = 4 * 1024 * 1024, len;
    char                 *body = malloc(size);
    tlsrpt_reader_conf_t  conf = { .max_size = MAX_SIZE };

    len = (size_t) snprintf(body, size, "{" HEAD "\"policies\":[{" STS "," SUMS
                            ",\"failure-details\":[");

    for (int i = 0; i < n; i++) {
        int  k = backwards ? n - 1 - i : i;

        len += put_detail(body + len, size - len, k == other ? n : k);
    }

    len += (size_t) snprintf(body + len - 1, size - len, "]}]}") - 1;
    rc = digest_of(body, len, &conf, "example.com", digest);
    free(body);

    return rc;
}


static void
test_many_details(void)
{
    unsigned char  digest[TLSRPT_DIGEST_LEN];

    is_int(many_details(0, -1, usual), 0, "40,000 details");
    is_int(many_details(1, -1, digest), 0, "backwards");
    ok(memcmp(digest, usual, sizeof(usual)) == 0, "the same");
    is_int(many_details(0, 39999, digest), 0, "the last one changed");
    ok(memcmp(digest, usual, sizeof(usual)) != 0, "another");
}


/* Policies without a domain are of each domain's report, whatever told whose
   they are. */

static void
test_unnamed(void)
{
    unsigned char         digest[TLSRPT_DIGEST_LEN];
    static const char     body[] =
        "{" HEAD "\"policies\":[" SECOND ",{\"policy\":{\"policy-type\":"
        "\"no-policy-found\"}," SUMS "}]}";
    tlsrpt_reader_conf_t  token = { .max_size = MAX_SIZE,
                                    .domain = str("example.com") };
    tlsrpt_reader_conf_t  other = { .max_size = MAX_SIZE,
                                    .domain = str("example.net") };
    tlsrpt_reader_conf_t  hint = { .max_size = MAX_SIZE,
                                   .hint = str("example.org") };

    is_int(usual_of(body), 0, "a policy without a domain");
    is_int(digest_of(body, strlen(body), &token, "example.com", digest), 0,
           "by a token");
    ok(memcmp(digest, usual, sizeof(usual)) == 0, "the same");
    is_int(digest_of(body, strlen(body), &other, "example.com", digest), 0,
           "by another's token");
    ok(memcmp(digest, usual, sizeof(usual)) == 0, "the same");
    is_int(digest_of(body, strlen(body), &other, "example.net", digest), 0,
           "for that other");
    ok(memcmp(digest, usual, sizeof(usual)) != 0, "another");
    is_int(digest_of(body, strlen(body), &hint, "example.com", digest), 0,
           "with a header");
    ok(memcmp(digest, usual, sizeof(usual)) == 0, "the same");

    with(body, "count\":4", "count\":3", 0, "what it says");
    compare("{" HEAD "\"policies\":[" SECOND ",{\"policy\":{\"policy-type\":"
            "\"no-policy-found\",\"policy-domain\":\"example.com\"}," SUMS
            "}]}", 0, "with its domain");
}


/* The form of a digest is for good: stored ones stand on it. */

static void
test_form(void)
{
    char  hex[2 * TLSRPT_DIGEST_LEN + 1];

    is_int(usual_of(BODY), 0, "a report");

    for (int i = 0; i < TLSRPT_DIGEST_LEN; i++) {
        snprintf(hex + 2 * i, 3, "%02x", usual[i]);
    }

    is_str(hex, "4a649436938afb27", "its digest is as it was");
}


int
main(void)
{
    reader = tlsrpt_reader_create();

    test_forms();
    test_members();
    test_borders();
    test_mended();
    test_many_details();
    test_unnamed();
    test_form();
    tlsrpt_reader_destroy(reader);

    return done();
}
