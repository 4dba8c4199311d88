/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What makes a report another one, and what does not.
 */

#include "tap.h"
#include "report.h"
#include "tlsrpt_identity.h"

static tlsrpt_reader_t  *reader;
static unsigned char     usual[TLSRPT_DIGEST_LEN];
static int               successful = 1;
static int               unspecified;      /* failed, in no detail */


/* The digest of a report that says so. */

static int
digest_of(const char *org, const char *id, const char *start, const char *end,
    const char *contact, const char *domain, int failed, const char *mx,
    unsigned char digest[TLSRPT_DIGEST_LEN])
{
    int                     n;
    char                    body[8192];
    const tlsrpt_report_t  *report;

    n = snprintf(body, sizeof(body),
        "{%s%s\"contact-info\":\"%s\",\"date-range\":{\"start-datetime\":"
        "\"%s\",\"end-datetime\":\"%s\"},\"policies\":[{\"policy\":{"
        "\"policy-type\":\"no-policy-found\",\"policy-domain\":\"%s\"},"
        "\"summary\":{\"total-successful-session-count\":%d,"
        "\"total-failure-session-count\":%d},\"failure-details\":[{"
        "\"result-type\":\"validation-failure\",\"failed-session-count\":%d,"
        "\"receiving-mx-hostname\":\"%s\"}]},{\"policy\":{\"policy-domain\":"
        "\"other.example\"},\"summary\":{\"total-successful-session-count\":"
        "%d}}]}", org, id, contact, start, end, domain, successful,
        failed + unspecified, failed, mx, failed);

    report = read_report(reader, body, (size_t) n, NULL);

    return report == NULL ? -1 : tlsrpt_identity(report, 0, digest);
}

#define ORG      "\"organization-name\":\"Example Sender\","
#define ID       "\"report-id\":\"1\","
#define START    "2026-01-10T00:00:00Z"
#define END      "2026-01-10T23:59:59Z"
#define CONTACT  "a@sender.example"
#define DOMAIN   "example.com"
#define MX       "mx.example.com"

#define DIFFERS(name, ...)                                                    \
    ok(digest_of(__VA_ARGS__, digest) == 0                                    \
       && memcmp(digest, usual, sizeof(usual)) != 0, "another %s", name)
#define SAME(name, ...)                                                       \
    ok(digest_of(__VA_ARGS__, digest) == 0                                    \
       && memcmp(digest, usual, sizeof(usual)) == 0, "%s: the same", name)


static void
test_with_id(void)
{
    unsigned char  digest[TLSRPT_DIGEST_LEN];

    is_int(digest_of(ORG, ID, START, END, CONTACT, DOMAIN, 3, MX, usual), 0,
           "a report");

    DIFFERS("organization-name", "\"organization-name\":\"Example Sender 2\",",
            ID, START, END, CONTACT, DOMAIN, 3, MX);
    DIFFERS("organization-name: none", "", ID, START, END, CONTACT, DOMAIN, 3,
            MX);
    DIFFERS("report-id", ORG, "\"report-id\":\"1+\",", START, END, CONTACT,
            DOMAIN, 3, MX);
    DIFFERS("start", ORG, ID, "2026-01-10T00:00:01Z", END, CONTACT, DOMAIN, 3,
            MX);
    DIFFERS("end", ORG, ID, START, "2026-01-11T00:00:00Z", CONTACT, DOMAIN, 3,
            MX);
    DIFFERS("domain", ORG, ID, START, END, CONTACT, "example.net", 3, MX);
    DIFFERS("border between two strings",
            "\"organization-name\":\"Example Sender1\",",
            "\"report-id\":\"\",", START, END, CONTACT, DOMAIN, 3, MX);

    SAME("another contact", ORG, ID, START, END, "b@sender.example", DOMAIN, 3,
         MX);
    SAME("another content", ORG, ID, START, END, CONTACT, DOMAIN, 4, "mx2");
    SAME("other forms", ORG, ID, "2026-01-10T01:00:00.0+01:00",
         "2026-01-10 23:59:59", CONTACT, " Example.COM.", 3, MX);
    SAME("another order", ID, ORG, START, END, CONTACT, DOMAIN, 3, MX);
}


static void
test_without_id(void)
{
    unsigned char  digest[TLSRPT_DIGEST_LEN];

    is_int(digest_of(ORG, "", START, END, CONTACT, DOMAIN, 3, MX, usual), 0,
           "a report without report-id");
    SAME("the same again", ORG, "", START, END, CONTACT, DOMAIN, 3, MX);
    SAME("null", ORG, "\"report-id\":null,", START, END, CONTACT, DOMAIN, 3,
         MX);
    DIFFERS("count", ORG, "", START, END, CONTACT, DOMAIN, 4, MX);
    DIFFERS("detail", ORG, "", START, END, CONTACT, DOMAIN, 3, "mx2");
    successful = 2;
    DIFFERS("total of successes", ORG, "", START, END, CONTACT, DOMAIN, 3, MX);
    successful = 1;
    unspecified = 1;
    DIFFERS("total of failures", ORG, "", START, END, CONTACT, DOMAIN, 3, MX);
    unspecified = 0;
    DIFFERS("report: one with an id", ORG, ID, START, END, CONTACT, DOMAIN, 3,
            MX);
}


/* An id that is cut tells too little. */

static void
test_long_id(void)
{
    char           id[600];
    unsigned char  digest[TLSRPT_DIGEST_LEN];

    snprintf(id, sizeof(id), "\"report-id\":\"%0300d\",", 1);
    is_int(digest_of(ORG, id, START, END, CONTACT, DOMAIN, 3, MX, usual), 0,
           "a report-id of 300 bytes");
    SAME("the same again", ORG, id, START, END, CONTACT, DOMAIN, 3, MX);
    DIFFERS("content", ORG, id, START, END, CONTACT, DOMAIN, 4, MX);
}


int
main(void)
{
    reader = tlsrpt_reader_create();

    test_with_id();
    test_without_id();
    test_long_id();
    tlsrpt_reader_destroy(reader);

    return done();
}
