/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The command that counts a report: keys, how long they are kept, arguments.
 */

#include "tap.h"
#include "report.h"

static tlsrpt_reader_t  *reader;

static const char  format[] =
    "{\"organization-name\":\"Example Sender\",\"report-id\":\"1\","
    "\"contact-info\":\"a\",\"date-range\":{\"start-datetime\":"
    "\"%sT00:00:00Z\",\"end-datetime\":\"%sT23:59:59Z\"},\"policies\":[{"
    "\"policy\":{\"policy-type\":\"sts\",\"policy-domain\":"
    "\"example.com\"},\"summary\":{\"total-successful-session-count\":100,"
    "\"total-failure-session-count\":9},\"failure-details\":["
    "{\"result-type\":\"tlsa-invalid\",\"failed-session-count\":3},"
    "{\"result-type\":\"tlsa-invalid\",\"failed-session-count\":1,"
    "\"sending-mta-ip\":\"192.0.2.1\"},"
    "{\"result-type\":\"something-new\",\"failed-session-count\":2},"
    "{\"failed-session-count\":1}]}]}";


static tlsrpt_command_t *
make(const char *day, const tlsrpt_ingest_t *conf)
{
    int                     n;
    char                    body[2048];
    tlsrpt_command_t       *c;
    const tlsrpt_report_t  *report;

    n = snprintf(body, sizeof(body), format, day, day);
    report = read_report(reader, body, (size_t) n, NULL);
    c = report != NULL ? tlsrpt_ingest_command(report, 0, conf) : NULL;

    if (c == NULL) {
        abort();
    }

    return c;
}


static void
test_keys(const tlsrpt_command_t *c)
{
    static const char  *const keys[] = {
        "t:{example.com}:2026-01-10", "t:{example.com}:2026-01-10:seen",
        "t:{example.com}:2026-01", "t:{example.com}",
        "t:{example.com}:2026-01-10:reports"
    };
    char                hex[64];
    long long           number;

    is_int((long long) c->nkeys, 6, "six keys");

    for (size_t i = 0; i < 5; i++) {
        is_str(c->argv[i], keys[i], "key %zu", i + 1);
        is_int((long long) c->argvlen[i], (long long) strlen(keys[i]),
               "its length");
    }

    number = strtoll(ARG(c, 4), NULL, 10);
    snprintf(hex, sizeof(hex), "t:{example.com}:2026-01-10:%016llx",
             (unsigned long long) number);
    is_str(c->argv[5], hex, "the original's ends in the digest");

    is_int((long long) ARG_LEN(c, 3), 8, "the digest");

    for (int i = 0; i < 8; i++) {
        ok((unsigned char) ARG(c, 3)[i]
           == (unsigned char) ((unsigned long long) number >> (56 - 8 * i)),
           "byte %d of it is the number's", i);
    }

    ok(memcmp(ARG(c, 1) + 1, ARG(c, 3), 8) == 0, "the record begins with it");
    ok(memcmp(ARG(c, 2) + 1, ARG(c, 3), 8) == 0, "so does the brief one");
}


static void
test_arguments(tlsrpt_ingest_t *conf)
{
    json_t            *entry;
    tlsrpt_command_t  *c = make("2026-01-10", conf);

    test_keys(c);
    is_str(ARG(c, 5), "10", "day of the month");
    is_str(ARG(c, 6), "100", "successful sessions");
    is_str(ARG(c, 7), "9", "failed sessions");
    is_str(ARG(c, 8), "9", "sessions in failure details");
    is_str(ARG(c, 9), "1768910400", "now");
    is_str(ARG(c, 10), "33739200", "the cell: 2027-02-14T24:00 - now");
    is_str(ARG(c, 11), "35640000", "the month: 2027-03-08T24:00 - now");
    is_str(ARG(c, 12), "34603200", "the domain: 2027-02-24T24:00 - now");
    is_str(ARG(c, 13), "2592000", "the original: 30 days");
    entry = json_loadb(ARG(c, 14), ARG_LEN(c, 14), 0, NULL);
    ok(entry != NULL, "the entry of the list is JSON");
    json_decref(entry);
    is_int((long long) ARG_LEN(c, 15), 4, "the original as it came");
    ok(memcmp(ARG(c, 15), "a\0b\n", 4) == 0, "NUL and all");
    is_str(ARG(c, 16), "tlsa-invalid", "a result type");
    is_str(ARG(c, 17), "4", "and its failures");
    is_str(ARG(c, 18), "unspecified", "what no detail accounts for");
    is_str(ARG(c, 19), "2", "and how many");
    is_str(ARG(c, 20), "other", "types unknown or not given");
    is_str(ARG(c, 21), "3", "and how many");
    is_int((long long) c->argc, 6 + 21, "no more");
    tlsrpt_command_destroy(c);
}


static void
test_signer(tlsrpt_ingest_t *conf)
{
    json_t            *entry;
    tlsrpt_command_t  *c;

    conf->signer = str("sender\xff.example");
    c = make("2026-01-10", conf);
    entry = json_loadb(ARG(c, 14), ARG_LEN(c, 14), 0, NULL);
    ok(entry != NULL, "a signer that is no UTF-8 loses no report");
    json_decref(entry);
    tlsrpt_command_destroy(c);
    conf->signer = str(NULL);
}


static void
test_kept(tlsrpt_ingest_t *conf)
{
    tlsrpt_command_t  *c;

    conf->report_days = 0;
    c = make("2026-01-10", conf);
    is_str(ARG(c, 13), "0", "originals need not be kept");
    is_int((long long) (ARG_LEN(c, 14) + ARG_LEN(c, 15)), 0,
           "and are not sent");
    tlsrpt_command_destroy(c);

    conf->retention_days = 10;
    c = make("2026-01-10", conf);
    is_str(ARG(c, 10), "43200", "the oldest day is kept until it is over");
    tlsrpt_command_destroy(c);

    c = make("2026-01-01", conf);
    is_str(ARG(c, 10), "1", "never for no time at all");
    tlsrpt_command_destroy(c);

    c = make("2025-12-31", conf);
    is_str(c->argv[2], "t:{example.com}:2025-12", "December");
    is_str(ARG(c, 11), "1", "2026-01-11T24:00 is over");
    tlsrpt_command_destroy(c);
}


int
main(void)
{
    tlsrpt_ingest_t  conf;

    memset(&conf, 0, sizeof(conf));
    conf.prefix = str("t");
    conf.now = NOW;
    conf.retention_days = RETENTION;
    conf.report_days = 30;
    conf.original.data = "a\0b\n";
    conf.original.len = 4;

    reader = tlsrpt_reader_create();
    test_arguments(&conf);
    test_signer(&conf);
    test_kept(&conf);
    tlsrpt_reader_destroy(reader);

    return done();
}
