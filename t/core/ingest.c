/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The command that counts a report: keys, how long they are kept, arguments.
 */

#include "tap.h"
#include "report.h"
#include "tlsrpt_kept.h"
#include "tlsrpt_zstd.h"

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


static char  body[2048];                    /* of the last report */


static tlsrpt_command_t *
make(const char *day, tlsrpt_ingest_t *conf)
{
    int                     n;
    tlsrpt_command_t       *c;
    const tlsrpt_report_t  *report;

    n = snprintf(body, sizeof(body), format, day, day);
    conf->original = str(body);
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
        "t:{example.com}:2026-01-10", "t:{example.com}:2026-01-09",
        "t:{example.com}:2026-01-05:seen", "t:{example.com}:2026-01",
        "t:{example.com}", "t:{example.com}:2026-01-10:kept"
    };

    is_str(c->argv[0], "EVALSHA", "a call");
    is_str(c->argv[1], tlsrpt_ingest_script.sha1, "of the script");
    ok(c->script == &tlsrpt_ingest_script, "known as such");
    is_int((long long) c->key, 3, "whose first key is where the host looks");
    is_int((long long) NKEYS(c), 6, "six keys");

    for (size_t i = 0; i < 6; i++) {
        is_str(KEY(c, i + 1), keys[i], "key %zu", i + 1);
        is_int((long long) c->argvlen[c->key + i], (long long) strlen(keys[i]),
               "its length");
    }
}


/* The script puts five bytes before it. */

static void
test_entry(const tlsrpt_command_t *c)
{
    char                bytes[1024] = "\7\0\0\0", text[TLSRPT_ZSTD_SHORT];
    size_t              len;
    tlsrpt_reply_t      entry = { .type = TLSRPT_REPLY_STRING, .str = bytes };
    tlsrpt_kept_head_t  head;

    memcpy(bytes + 5, ARG(c, 12), ARG_LEN(c, 12));
    entry.len = 5 + ARG_LEN(c, 12);

    is_int(tlsrpt_kept_decode(&head, 20463, &entry), 0, "the entry");
    is_int(head.index, 7, "its index");
    is_int(head.flags, 0, "nothing special about it");
    is_int(head.received, NOW, "when it came");
    is_int((long long) head.successful, 100, "successful sessions");
    is_int((long long) head.failed, 9, "failed sessions");
    len = tlsrpt_kept_text(&head, text);
    ok(len == strlen(body) && memcmp(text, body, len) == 0,
       "its text, byte for byte");
    ok(entry.len < 250, "compressed");
}


static void
test_arguments(tlsrpt_ingest_t *conf)
{
    tlsrpt_command_t  *c = make("2026-01-10", conf);

    test_keys(c);
    ok(ARG_LEN(c, 1) > 0, "the packed report");
    is_int((long long) ARG_LEN(c, 2), 0, "a short one is always in full");
    is_str(ARG(c, 4), "10", "day of the month");
    is_str(ARG(c, 5), "100", "successful sessions");
    is_str(ARG(c, 6), "9", "failed sessions");
    is_str(ARG(c, 7), "1768910400", "now");
    is_str(ARG(c, 8), "33739200 35640000 34603200 20492 9",
           "to 2027-02-14, 2027-03-08, 2027-02-24 24:00; 2026-02-08; details");
    is_str(ARG(c, 9), "1", "ten days ago is late");
    is_str(ARG(c, 10), "2592000", "the original: 30 days");
    is_int((long long) ARG_LEN(c, 11), 3, "its name");
    test_entry(c);
    is_int((long long) ARG_LEN(c, 13), 0, "no text of its own");
    is_str(ARG(c, 14), "tlsa-invalid", "a result type");
    is_str(ARG(c, 15), "4", "and its failures");
    is_str(ARG(c, 16), "unspecified", "what no detail accounts for");
    is_str(ARG(c, 17), "2", "and how many");
    is_str(ARG(c, 18), "other", "types unknown or not given");
    is_str(ARG(c, 19), "3", "and how many");
    is_int((long long) c->argc, 3 + 6 + 19, "no more");
    tlsrpt_command_destroy(c);
}


static void
is_week(tlsrpt_ingest_t *conf, const char *day, const char *first)
{
    char               key[64];
    tlsrpt_command_t  *c = make(day, conf);

    snprintf(key, sizeof(key), "t:{example.com}:%s:seen", first);
    is_str(KEY(c, 3), key, "the week of %s", day);
    tlsrpt_command_destroy(c);
}


static void
test_days(tlsrpt_ingest_t *conf)
{
    tlsrpt_command_t  *c;

    is_week(conf, "2026-01-11", "2026-01-05");
    is_week(conf, "2026-01-12", "2026-01-12");
    is_week(conf, "2025-01-01", "2025-01-01");
    is_week(conf, "2025-01-05", "2025-01-01");
    is_week(conf, "2024-12-31", "2024-12-30");

    c = make("2026-01-18", conf);
    is_str(ARG(c, 9), "1", "the day before yesterday is late");
    tlsrpt_command_destroy(c);

    c = make("2026-01-19", conf);
    is_str(ARG(c, 9), "", "yesterday is not");
    tlsrpt_command_destroy(c);

    c = make("2026-01-01", conf);
    is_str(KEY(c, 2), "t:{example.com}:2025-12-31", "the day before");
    tlsrpt_command_destroy(c);

    c = make("2025-12-31", conf);
    is_str(KEY(c, 2), "t:{example.com}:2025-12:closed",
           "a month that may be closed");
    is_str(ARG(c, 9), "2", "is told");
    tlsrpt_command_destroy(c);
}


static void
test_kept(tlsrpt_ingest_t *conf)
{
    tlsrpt_command_t  *c;

    conf->report_days = 0;
    c = make("2026-01-10", conf);
    is_int((long long) NKEYS(c), 5, "originals need not be kept");
    is_str(ARG(c, 10), "tlsa-invalid", "and are not sent");
    tlsrpt_command_destroy(c);

    conf->retention_days = 10;
    c = make("2026-01-10", conf);
    is_str(ARG(c, 8), "43200 1944000 907200 20492 9",
           "the oldest day is kept until it is over");
    tlsrpt_command_destroy(c);

    c = make("2026-01-01", conf);
    is_str(ARG(c, 8), "1 1944000 907200 20492 9", "never for no time at all");
    tlsrpt_command_destroy(c);

    c = make("2025-12-31", conf);
    is_str(KEY(c, 4), "t:{example.com}:2025-12", "December");
    is_str(ARG(c, 8), "1 1 907200 20461 9", "2026-01-12T00:00 is over");
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

    reader = tlsrpt_reader_create();
    test_arguments(&conf);
    test_days(&conf);
    test_kept(&conf);
    tlsrpt_reader_destroy(reader);

    return done();
}
