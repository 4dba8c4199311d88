/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Answers: every key, filters, order, overflow, as JSON and as CSV.
 */

#include "tap.h"
#include "report.h"
#include "tlsrpt_group.h"

#define DAY   20463                         /* 2026-01-10 */
#define MAX   TLSRPT_MAX_COUNT

#define SUMMARY(successful, failure)                                          \
    "\"summary\":{\"total-successful-session-count\":" #successful            \
    ",\"total-failure-session-count\":" #failure "}"
#define POLICY(type, successful, failure, details)                            \
    "{\"policy\":{\"policy-type\":\"" type "\","                              \
    "\"policy-domain\":\"example.com\"}," SUMMARY(successful, failure)        \
    ",\"failure-details\":[" details "]}"

static tlsrpt_reader_t  *reader;


/* Adds a report to what is kept; org: with its quotes, or null. */

static void
put(kept_t *kept, const char *org, unsigned via, const char *policies)
{
    int                     n;
    char                    body[4096];
    tlsrpt_ingest_t         conf;
    tlsrpt_command_t       *c;
    const tlsrpt_report_t  *report;

    n = snprintf(body, sizeof(body), "{\"organization-name\":%s,"
                 "\"date-range\":{\"start-datetime\":\"2026-01-10T00:00:00Z\","
                 "\"end-datetime\":\"2026-01-10T23:59:59Z\"},"
                 "\"policies\":[%s]}", org, policies);

    memset(&conf, 0, sizeof(conf));
    conf.prefix = str("t");
    conf.now = NOW;
    conf.via = via;

    report = read_report(reader, body, (size_t) n, "example.com");
    c = report ? tlsrpt_ingest_command(report, 0, &conf) : NULL;

    if (c == NULL) {
        printf("# %s\n", tlsrpt_reader_error(reader)->detail);
        abort();
    }

    keep(kept, ARG(c, 1), ARG_LEN(c, 1));
    tlsrpt_command_destroy(c);
}


/* Sessions: 98/5 (tlsa fails more, sts has more), 10/0, 1/2. */

static void
put_three(kept_t *kept)
{
    memset(kept, 0, sizeof(*kept));

    put(kept, "\"Alpha\"", TLSRPT_VIA_HTTPS,
        POLICY("sts", 100, 3,
               "{\"result-type\":\"certificate-expired\",\"sending-mta-ip\":"
               "\"192.0.2.1\",\"receiving-mx-hostname\":\"mx1.example.com\","
               "\"failed-session-count\":2}") ","
        POLICY("tlsa", 90, 5,
               "{\"result-type\":\"tlsa-invalid\",\"sending-mta-ip\":"
               "\"192.0.2.1\",\"receiving-mx-hostname\":\"mx1.example.com\","
               "\"failed-session-count\":5}"));
    put(kept, "null", TLSRPT_VIA_MAIL, POLICY("no-policy-found", 10, 0, ""));
    put(kept, "\"Alpha\"", TLSRPT_VIA_MAIL,
        POLICY("sts", 1, 2,
               "{\"result-type\":\"certificate-expired\",\"sending-mta-ip\":"
               "\"2001:db8::1\",\"failure-reason-code\":\"=1+1\","
               "\"failed-session-count\":2}"));
}


static size_t
put_count(char *p, size_t size, const json_t *object, const char *name)
{
    const json_t  *value = json_object_get(object, name);

    return value == NULL ? 0
           : json_is_null(value) ? (size_t) snprintf(p, size, "/-")
           : (size_t) snprintf(p, size, "/%lld", json_integer_value(value));
}


static size_t
put_counts(char *p, size_t size, const json_t *object)
{
    size_t  n = 0;

    n += put_count(p + n, size - n, object, "reports");
    n += put_count(p + n, size - n, object, "total-successful-session-count");
    n += put_count(p + n, size - n, object, "total-failure-session-count");
    n += put_count(p + n, size - n, object, "failed-session-count");

    return n;
}


/* "/3/109/7: Alpha/2/99/7 -/1/10/0": totals, then each group; -: null. */

static const char *
digest(const json_t *json)
{
    size_t        i, k, n = 0;
    json_t       *group, *key;
    static char   text[4096];

    n += put_counts(text, sizeof(text), json);
    n += (size_t) snprintf(text + n, sizeof(text) - n, ":");

    json_array_foreach(json_object_get(json, "groups"), i, group) {
        json_array_foreach(json_object_get(json, "by"), k, key) {
            const json_t  *value;

            value = json_object_get(group, json_string_value(key));
            n += (size_t) snprintf(text + n, sizeof(text) - n, "%s%s",
                                   k ? "," : " ", json_is_null(value) ? "-"
                                   : json_string_value(value));
        }

        n += put_counts(text + n, sizeof(text) - n, group);

        if (n > sizeof(text) - 512) {
            break;
        }
    }

    return text;
}


static void
says(const kept_t *kept, const char *params, const char *want)
{
    json_t  *json = answer(str("example.com"), params, kept, DAY);

    is_str(digest(json), want, "?%s", params);
    json_decref(json);
}


static void
test_by(const kept_t *kept)
{
    says(kept, "", "/3/109/7:");
    says(kept, "by=", "/3/109/7:");
    says(kept, "by=day", "/3/109/7: 2026-01-10/3/109/7");
    says(kept, "by=organization-name", "/3/109/7: Alpha/2/99/7 -/1/10/0");
    says(kept, "by=policy-type",
         "/3/109/7: sts/2/101/5 tlsa/1/90/5 no-policy-found/1/10/0");
    says(kept, "by=via", "/3/109/7: https/1/98/5 mail/2/11/2");
    says(kept, "by=result-type",
         "/3/109/7: tlsa-invalid/5 certificate-expired/4 unspecified/1");
    says(kept, "by=sending-mta-ip",
         "/3/109/7: 192.0.2.1/7 2001:db8::1/2 -/1");
    says(kept, "by=receiving-mx-hostname", "/3/109/7: mx1.example.com/7 -/3");
    says(kept, "by=receiving-ip", "/3/109/7: -/10");
    says(kept, "by=failure-reason-code", "/3/109/7: -/8 =1+1/2");
    says(kept, "by=policy-type,result-type",
         "/3/109/7: tlsa,tlsa-invalid/5 sts,certificate-expired/4 "
         "sts,unspecified/1");
    says(kept, "by=via,day,organization-name",
         "/3/109/7: https,2026-01-10,Alpha/1/98/5 mail,2026-01-10,Alpha/1/1/2 "
         "mail,2026-01-10,-/1/10/0");
}


static void
test_filters(const kept_t *kept)
{
    says(kept, "by=result-type&policy-type=STS",
         "/2/101/5: certificate-expired/4 unspecified/1");
    says(kept, "by=day&policy-type=tlsa", "/1/90/5: 2026-01-10/1/90/5");
    says(kept, "by=policy-type&policy-type=", "/0/0/0:");
    says(kept, "by=via&organization-name=", "/1/10/0: mail/1/10/0");
    says(kept, "by=via&organization-name=Alpha",
         "/2/99/7: https/1/98/5 mail/1/1/2");
    says(kept, "by=via&organization-name=alpha", "/0/0/0:");
    says(kept, "by=day&via=mail", "/2/11/2: 2026-01-10/2/11/2");
    says(kept, "by=via&day=2026-01-10",
         "/3/109/7: https/1/98/5 mail/2/11/2");
    says(kept, "by=via&day=2026-01-11", "/0/0/0:");
    says(kept, "by=result-type&sending-mta-ip=", "/1/-/-: unspecified/1");
    says(kept, "by=result-type&sending-mta-ip=2001:DB8:0::1",
         "/1/-/-: certificate-expired/2");
    says(kept, "by=result-type&receiving-mx-hostname=MX1.Example.com.",
         "/1/-/-: tlsa-invalid/5 certificate-expired/2");
    says(kept, "by=via&result-type=TLSA-invalid", "/1/-/-: https/5");
    says(kept, "by=via&failure-reason-code==1+1", "/1/-/-: mail/2");
    says(kept, "by=via&receiving-ip=", "/2/-/-: https/8 mail/2");
    says(kept, "by=via&receiving-ip=192.0.2.1", "/0/-/-:");
}


static void
test_overflow(kept_t *kept)
{
    snprintf(kept->day, sizeof(kept->day), "10");
    snprintf(kept->totals, sizeof(kept->totals), "5 200 20 0 6");

    says(kept, "by=day", "/5/200/20: 2026-01-10/5/200/20");
    says(kept, "by=organization-name",
         "/5/200/20: (overflow)/2/91/13 Alpha/2/99/7 -/1/10/0");
    says(kept, "by=policy-type", "/5/200/20: (overflow)/2/91/13 sts/2/101/5 "
         "tlsa/1/90/5 no-policy-found/1/10/0");
    says(kept, "by=result-type", "/5/200/20: (overflow)/6 tlsa-invalid/5 "
         "certificate-expired/4 unspecified/1");
    says(kept, "by=via,result-type&result-type=(overflow)",
         "/-/-/-: (overflow),(overflow)/6");
    says(kept, "by=via&via=mail", "/2/11/2: mail/2/11/2");
    says(kept, "by=via&day=2026-01-11", "/0/0/0:");

    snprintf(kept->totals, sizeof(kept->totals), "3 109 7 0");
    says(kept, "by=organization-name", "/3/109/7: Alpha/2/99/7 -/1/10/0");
    snprintf(kept->totals, sizeof(kept->totals), "1 1 1 0");
    says(kept, "by=organization-name", "/3/109/7: Alpha/2/99/7 -/1/10/0");
    snprintf(kept->totals, sizeof(kept->totals), "nonsense");
    says(kept, "by=organization-name", "/0/0/0:");
}


/* A report that is kept without its failure details, as its day has too many:
   its failures are told, by no detail. */

static void
test_brief(void)
{
    int                     n;
    char                    body[65536];
    kept_t                  kept;
    tlsrpt_command_t       *c;
    const tlsrpt_report_t  *report;

    n = snprintf(body, sizeof(body), "{\"organization-name\":\"Alpha\","
                 "\"date-range\":{\"start-datetime\":\"2026-01-10T00:00:00Z\","
                 "\"end-datetime\":\"2026-01-10T23:59:59Z\"},\"policies\":[{"
                 "\"policy\":{\"policy-type\":\"sts\",\"policy-domain\":"
                 "\"example.com\"}," SUMMARY(1, 200) ",\"failure-details\":[");

    for (int i = 1; i <= 200; i++) {
        n += snprintf(body + n, sizeof(body) - (size_t) n, "%s{\"result-type\":"
                      "\"tlsa-invalid\",\"sending-mta-ip\":\"192.0.2.%d\","
                      "\"failed-session-count\":1}", i > 1 ? "," : "", i);
    }

    n += snprintf(body + n, sizeof(body) - (size_t) n, "]}]}");
    report = read_report(reader, body, (size_t) n, "example.com");
    c = ingest(report, 0);
    memset(&kept, 0, sizeof(kept));
    keep(&kept, ARG(c, 2), ARG_LEN(c, 2));
    tlsrpt_command_destroy(c);

    says(&kept, "by=result-type", "/1/1/200: (overflow)/200");
    says(&kept, "by=via,sending-mta-ip", "/1/1/200: https,(overflow)/200");
    free(kept.day_log);
}


static void
test_days(const kept_t *kept)
{
    json_t          *json;
    tlsrpt_stats_t  *stats = question("by=day", DAY - 1, DAY + 1);

    ask(stats, kept);
    json = tlsrpt_stats_json(stats);
    is_str(digest(json), "/9/327/21: 2026-01-09/3/109/7 2026-01-10/3/109/7 "
           "2026-01-11/3/109/7", "days in their order");
    is_str(json_string_value(json_object_get(json, "from")), "2026-01-09",
           "from");
    is_str(json_string_value(json_object_get(json, "to")), "2026-01-11", "to");
    is_str(json_string_value(json_object_get(json, "domain")), "example.com",
           "the domain");
    ok(tlsrpt_stats_seen(stats), "was seen");
    json_decref(json);
    tlsrpt_stats_destroy(stats);

    stats = question("by=day,via", DAY, DAY + 1);
    ask(stats, kept);
    json = tlsrpt_stats_json(stats);
    is_str(digest(json), "/6/218/14: 2026-01-10,https/1/98/5 "
           "2026-01-10,mail/2/11/2 2026-01-11,https/1/98/5 "
           "2026-01-11,mail/2/11/2", "then failures");
    json_decref(json);
    tlsrpt_stats_destroy(stats);
}


static void
test_commands(void)
{
    size_t                   n;
    kept_t                   kept = { NULL, 0, "31", "2 0 0 0" };
    tlsrpt_reply_t           nil = { TLSRPT_REPLY_NIL, 0, NULL, 0, 0, NULL };
    const tlsrpt_command_t  *c;
    tlsrpt_command_t         closed;
    tlsrpt_stats_t          *stats = question("", DAY - 10, DAY - 9);

    c = tlsrpt_stats_next(stats, &n);
    ok(c->argc == 3 && strcmp(c->argv[0], "HGET") == 0
       && strcmp(c->argv[1], "t:{example.com}") == 0
       && strcmp(c->argv[2], "all") == 0, "the domain");
    c = tlsrpt_stats_next(stats, &n);
    ok(c->script == &tlsrpt_month_script
       && strcmp(c->argv[3], "t:{example.com}:2025-12:closed") == 0
       && strcmp(c->argv[4], "t:{example.com}:2025-12") == 0
       && strcmp(c->argv[5], "HGETALL") == 0, "a month that may be closed");
    closed = *c;
    c = tlsrpt_stats_next(stats, &n);
    is_str(c->argv[1], "t:{example.com}:2026-01", "the next");
    is_int((long long) n, 2, "its number");
    ok(tlsrpt_stats_next(stats, &n) == NULL, "then it waits");
    ok(!tlsrpt_stats_seen(stats), "not seen before it is asked");

    ok(tlsrpt_stats_add(stats, 1, beside(&closed, month(&kept))) == TLSRPT_OK
       && tlsrpt_stats_add(stats, 0, &nil) == TLSRPT_OK
       && tlsrpt_stats_next(stats, &n) == NULL
       && tlsrpt_stats_add(stats, 2, &nil) == TLSRPT_OK,
       "for all replies, in any order");
    c = tlsrpt_stats_next(stats, &n);
    ok(c->script == &tlsrpt_month_script
       && strcmp(c->argv[3], "t:{example.com}:2025-12:closed") == 0
       && strcmp(c->argv[4], "t:{example.com}:2025-12-31") == 0
       && strcmp(c->argv[5], "GET") == 0, "a day of it");
    ok(tlsrpt_stats_next(stats, &n) == NULL, "the next has no reports");
    tlsrpt_stats_destroy(stats);
}


static void
test_order(void)
{
    kept_t  kept = { NULL, 0, "", "" };

    put(&kept, "\"b\"", 0, POLICY("sts", 1, 1, ""));
    put(&kept, "\"B\"", 0, POLICY("sts", 1, 1, ""));
    put(&kept, "\"ab\"", 0, POLICY("sts", 1, 1, ""));
    put(&kept, "\"a\"", 0, POLICY("sts", 1, 1, ""));
    put(&kept, "\"\u00fc\"", 0, POLICY("sts", 1, 1, ""));
    put(&kept, "null", 0, POLICY("sts", 1, 1, ""));
    put(&kept, "\"z\"", 0, POLICY("sts", 0, 2, ""));
    put(&kept, "\"0\"", 0, POLICY("sts", 9, 0, ""));

    says(&kept, "by=organization-name", "/8/15/8: z/1/0/2 -/1/1/1 B/1/1/1 "
         "a/1/1/1 ab/1/1/1 b/1/1/1 \xc3\xbc/1/1/1 0/1/9/0");
    free(kept.day_log);
}


static void
is_csv(const kept_t *kept, const char *params, const char *want)
{
    char            *csv;
    size_t           len = 0;
    tlsrpt_stats_t  *stats = question(params, DAY, DAY);

    ask(stats, kept);
    csv = tlsrpt_stats_csv(stats, &len);
    ok(csv != NULL && len == strlen(want) && memcmp(csv, want, len) == 0,
       "CSV ?%s", params);

    if (csv != NULL && (len != strlen(want) || memcmp(csv, want, len) != 0)) {
        printf("# %.*s\n", (int) len, csv);
    }

    free(csv);
    tlsrpt_stats_destroy(stats);
}


static void
test_csv(const kept_t *three)
{
    kept_t  kept = { NULL, 0, "", "" };

    is_csv(three, "", "reports,total-successful-session-count,"
           "total-failure-session-count\r\n");
    is_csv(three, "by=organization-name,day",
           "organization-name,day,reports,total-successful-session-count,"
           "total-failure-session-count\r\n"
           "\"Alpha\",\"2026-01-10\",2,99,7\r\n"
           ",\"2026-01-10\",1,10,0\r\n");
    is_csv(three, "by=failure-reason-code",
           "failure-reason-code,failed-session-count\r\n"
           ",8\r\n\"'=1+1\",2\r\n");

    put(&kept, "\"say \\\"no\\\", twice\\r\\nor more\"", 0,
        POLICY("sts", 1, 0, ""));
    put(&kept, "\"@SUM(A1)\"", 0, POLICY("sts", 2, 0, ""));
    put(&kept, "\"+1\"", 0, POLICY("sts", 3, 0, ""));
    put(&kept, "\"-1\"", 0, POLICY("sts", 4, 0, ""));
    put(&kept, "\"a=1\"", 0, POLICY("sts", 9007199254740991, 0, ""));
    is_csv(&kept, "by=organization-name",
           "organization-name,reports,total-successful-session-count,"
           "total-failure-session-count\r\n"
           "\"'+1\",1,3,0\r\n\"'-1\",1,4,0\r\n\"'@SUM(A1)\",1,2,0\r\n"
           "\"a=1\",1,9007199254740991,0\r\n"
           "\"say \"\"no\"\", twiceor more\",1,1,0\r\n");
    free(kept.day_log);
}


/* Rows with a sending-mta-ip of their own each, so many packed reports. */

static void
put_addresses(kept_t *kept, unsigned nreports)
{
    unsigned             i, k;
    char                 ip[1000][16];
    tlsrpt_buf_t         buf = { NULL, 0, 0, 0 };
    static tlsrpt_tally_t       tally;
    static tlsrpt_tally_row_t   rows[1000];

    memset(&tally, 0, sizeof(tally));
    tally.rows = rows;
    tally.nrows = 1000;
    tally.ntypes = 1;
    tally.types[0].policy_type = str("sts");
    tally.types[0].failed = tally.failed = tally.failed_in_details = 1000;

    for (i = 0; i < nreports; i++) {
        for (k = 0; k < 1000; k++) {
            snprintf(ip[k], sizeof(ip[k]), "10.%u.%u.%u", i % 256, k / 250,
                     k % 250);
            rows[k].sending_mta_ip = str(ip[k]);
            rows[k].failed = 1;
        }

        buf.len = 0;

        if (tlsrpt_packed_encode(&buf, &tally, str("example.com"),
                                 str("Alpha"), 0, 0)
            != 0)
        {
            abort();
        }

        keep(kept, buf.data, buf.len);
    }

    free(buf.data);
}


static void
test_many_groups(void)
{
    size_t           i, len = 0;
    json_t          *json, *group, *groups;
    long long        sum = 0, overflow = 0;
    char            *csv;
    kept_t           kept = { NULL, 0, "", "" };
    tlsrpt_stats_t  *stats;

    put_addresses(&kept, 70);
    json = answer(str("example.com"), "by=sending-mta-ip", &kept, DAY);
    groups = json_object_get(json, "groups");
    is_int((long long) json_array_size(groups), TLSRPT_MAX_GROUPS + 1,
           "70,000 addresses: the groups are bounded");

    json_array_foreach(groups, i, group) {
        long long  failed = json_integer_value(
                            json_object_get(group, "failed-session-count"));
        sum += failed;

        if (strcmp(json_string_value(json_object_get(group, "sending-mta-ip")),
                   "(overflow)") == 0)
        {
            overflow += failed;
        }
    }

    is_int(sum, 70000, "none is lost");
    is_int(overflow, 70000 - TLSRPT_MAX_GROUPS, "those beyond are one group");
    json_decref(json);

    stats = question("by=day,sending-mta-ip", DAY, DAY + 1);
    ask(stats, &kept);
    csv = tlsrpt_stats_csv(stats, &len);
    sum = 0;

    for (i = 0; i < len; i++) {
        sum += csv[i] == '\n';
    }

    is_int(sum, 1 + TLSRPT_MAX_GROUPS + 2, "one a day");
    free(csv);
    tlsrpt_stats_destroy(stats);
    free(kept.day_log);
}


/* What others wrote: no UTF-8, sums over all bounds. */

static void
test_foreign(void)
{
    kept_t             kept = { NULL, 0, "", "" };
    static const char  latin[] = "\x07" "\x0a" "\x02\xff\x20"
                                 "\x01" "\x01" "\x02";
    static const char  large[] = "\x14" "\x08"
                                 "\xff\xff\xff\xff\xff\xff\xff\xff\x7f"
                                 "\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x02";

    keep(&kept, latin, sizeof(latin) - 1);
    says(&kept, "by=organization-name", "/1/1/1: (not UTF-8)/1/1/1");

    kept.len = 0;
    keep(&kept, large, sizeof(large) - 1);
    keep(&kept, large, sizeof(large) - 1);
    says(&kept, "by=policy-type", "/2/9007199254740991/9007199254740991: "
         "sts/2/9007199254740991/9007199254740991");
    free(kept.day_log);
}


int
main(void)
{
    kept_t  kept;

    reader = tlsrpt_reader_create();
    put_three(&kept);

    test_by(&kept);
    test_filters(&kept);
    test_days(&kept);
    test_csv(&kept);
    test_overflow(&kept);
    test_brief();
    test_commands();
    test_order();
    test_many_groups();
    test_foreign();

    free(kept.day_log);
    tlsrpt_reader_destroy(reader);

    return done();
}
