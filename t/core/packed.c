/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The packed reports of a day's log: what goes in comes out, and whatever else
 * is there is survived.
 */

#include "tap.h"
#include "report.h"
#include "tlsrpt_packed.h"

static const char  document[] =
    "{\"organization-name\":\"Example Sender\",\"contact-info\":\"a\","
    "\"report-id\":\"1\",\"date-range\":{\"start-datetime\":"
    "\"2026-01-10T00:00:00Z\",\"end-datetime\":\"2026-01-10T23:59:59Z\"},"
    "\"policies\":[{\"policy\":{\"policy-type\":\"sts\","
    "\"policy-string\":[\"version: STSv1\",\"mode: enforce\"],"
    "\"policy-domain\":\"example.com\",\"mx-host\":[\"*.example.com\"]},"
    "\"summary\":{\"total-successful-session-count\":300,"
    "\"total-failure-session-count\":20},\"failure-details\":["
    "{\"result-type\":\"certificate-expired\",\"sending-mta-ip\":"
    "\"192.0.2.1\",\"receiving-mx-hostname\":\"mx.example.com\","
    "\"receiving-ip\":\"2001:db8::1\",\"failed-session-count\":7,"
    "\"failure-reason-code\":\"4.7.5\"},"
    "{\"result-type\":\"something-new\",\"failed-session-count\":1}]},"
    "{\"policy\":{\"policy-type\":\"future\",\"policy-domain\":"
    "\"example.com\"},\"summary\":{\"total-successful-session-count\":1,"
    "\"total-failure-session-count\":9007199254740000},"
    "\"failure-details\":[{\"result-type\":\"validation-failure\","
    "\"sending-mta-ip\":\"2001:db8::1\",\"receiving-mx-hostname\":"
    "\"2001:db8::1\",\"failed-session-count\":2}]}]}";

static tlsrpt_packed_t  packed;


static int
is_value(tlsrpt_value_t value, int kind, const char *data, size_t len)
{
    return value.kind == kind && value.len == len
           && (len == 0 || memcmp(value.data, data, len) == 0);
}


static int
is_text(tlsrpt_value_t value, const char *text)
{
    return text == NULL ? is_value(value, TLSRPT_VALUE_NULL, NULL, 0)
           : is_value(value, TLSRPT_VALUE_TEXT, text, strlen(text));
}


static void
begin(const char *day_log, size_t len)
{
    tlsrpt_packed_begin(&packed, str("example.com"), day_log, len);
}


/* A day log of the document's packed report, twice; brief: without details. */

static void
make_log(tlsrpt_buf_t *day_log, int brief)
{
    tlsrpt_tally_t          tally;
    tlsrpt_reader_t        *reader = tlsrpt_reader_create();
    const tlsrpt_report_t  *report;

    report = read_report(reader, document, sizeof(document) - 1, NULL);
    memset(day_log, 0, sizeof(*day_log));

    if (report == NULL || tlsrpt_tally_report(&tally, report, 0) != 0) {
        abort();
    }

    for (int i = 0; i < 2; i++) {
        if (tlsrpt_packed_encode(day_log, &tally, str("example.com"),
                                 report->organization_name,
                                 i ? TLSRPT_VIA_MAIL : TLSRPT_VIA_HTTPS, brief)
            != 0)
        {
            abort();
        }
    }

    tlsrpt_tally_free(&tally);
    tlsrpt_reader_destroy(reader);
}


static void
test_rows(void)
{
    static const char  ip4[] = "\xc0\x00\x02\x01";
    static const char  ip6[] = "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01";
    tlsrpt_row_t       row;

    ok(tlsrpt_packed_row(&packed, &row) && row.type == 0
       && is_text(row.result_type, "certificate-expired")
       && is_value(row.sending_mta_ip, TLSRPT_VALUE_IP, ip4, 4)
       && is_text(row.receiving_mx_hostname, "mx.example.com")
       && is_value(row.receiving_ip, TLSRPT_VALUE_IP, ip6, 16)
       && is_text(row.failure_reason_code, "4.7.5") && row.failed == 7,
       "a row with every member");

    ok(tlsrpt_packed_row(&packed, &row) && row.type == 0
       && is_text(row.result_type, "something-new")
       && is_text(row.sending_mta_ip, NULL)
       && is_text(row.receiving_mx_hostname, NULL)
       && is_text(row.receiving_ip, NULL)
       && is_text(row.failure_reason_code, NULL) && row.failed == 1,
       "one with hardly any");

    ok(tlsrpt_packed_row(&packed, &row) && row.type == 0
       && is_text(row.result_type, "unspecified") && row.failed == 12,
       "what no detail accounts for");

    ok(tlsrpt_packed_row(&packed, &row) && row.type == 1
       && is_value(row.sending_mta_ip, TLSRPT_VALUE_IP, ip6, 16)
       && !is_value(row.receiving_mx_hostname, TLSRPT_VALUE_IP, ip6, 16)
       && row.failed == 2, "the same string as an address and as a name");

    ok(tlsrpt_packed_row(&packed, &row) && row.type == 1
       && row.failed == 9007199254739998, "the rest of the other policy");
    ok(!tlsrpt_packed_row(&packed, &row), "and no more");
}


static void
test_round_trip(void)
{
    tlsrpt_buf_t  day_log;
    tlsrpt_row_t  row;

    make_log(&day_log, 0);
    begin(day_log.data, day_log.len);

    ok(tlsrpt_packed_next(&packed), "a packed report");
    is_int(packed.via, TLSRPT_VIA_HTTPS, "by https");
    ok(is_text(packed.organization, "Example Sender"), "of its sender");
    is_int((long long) packed.successful, 301, "successes");
    is_int((long long) packed.failed, 9007199254740020, "failures");
    is_int((long long) packed.ntypes, 2, "policy types");
    ok(is_text(packed.types[0].policy_type, "sts"), "sts");
    is_int((long long) packed.types[0].successful, 300, "its successes");
    is_int((long long) packed.types[0].failed, 20, "its failures");
    ok(is_text(packed.types[1].policy_type, "future"), "the other");
    test_rows();

    ok(tlsrpt_packed_next(&packed), "another packed report");
    is_int(packed.via, TLSRPT_VIA_MAIL, "by mail");
    ok(!tlsrpt_packed_next(&packed), "the end");
    ok(!tlsrpt_packed_next(&packed), "the end again");
    free(day_log.data);

    make_log(&day_log, 1);
    begin(day_log.data, day_log.len);
    ok(tlsrpt_packed_next(&packed), "a brief packed report");
    is_int((long long) packed.failed, 9007199254740020, "its failures");
    is_int((long long) packed.overflow, 9007199254740020, "all in no row");
    ok(!tlsrpt_packed_row(&packed, &row), "no row");
    ok(tlsrpt_packed_next(&packed), "and the next");
    free(day_log.data);

    begin("", 0);
    ok(!tlsrpt_packed_next(&packed), "an empty day log");
}


/* Reads the bytes of a value. */

static volatile unsigned  bytes_read;

static void
touch(tlsrpt_value_t value)
{
    for (size_t i = 0; i < value.len; i++) {
        bytes_read += (unsigned char) value.data[i];
    }
}


/* Everything of a day log that may be anything; the sanitizers watch. */

static size_t
walk(const char *bytes, size_t len)
{
    char          *day_log = malloc(len ? len : 1);
    size_t         n = 0;
    tlsrpt_row_t   row;

    memcpy(day_log, bytes, len);
    begin(day_log, len);

    while (tlsrpt_packed_next(&packed)) {
        n++;

        while (tlsrpt_packed_row(&packed, &row)) {
            if (row.type >= packed.ntypes) {
                abort();
            }

            touch(row.result_type);
            touch(row.sending_mta_ip);
            touch(row.receiving_mx_hostname);
            touch(row.receiving_ip);
            touch(row.failure_reason_code);
        }

        touch(packed.organization);

        for (size_t i = 0; i < packed.ntypes; i++) {
            touch(packed.types[i].policy_type);

            for (size_t k = 0; k < packed.types[i].nmx; k++) {
                touch(packed.types[i].mx[k]);
            }
        }
    }

    free(day_log);

    return n;
}


static void
test_damage(void)
{
    size_t        wrong = 0;
    uint32_t      random = 1;
    char          noise[200];
    tlsrpt_buf_t  day_log;

    make_log(&day_log, 0);
    is_int((long long) walk(day_log.data, day_log.len), 2,
           "two packed reports");

    for (size_t len = 0; len < day_log.len; len++) {
        wrong += walk(day_log.data, len) != (len < day_log.len / 2 ? 0 : 1);
    }

    is_int((long long) wrong, 0, "cut short anywhere, what is whole is read");

    for (size_t i = 0; i < day_log.len; i++) {
        char  was = day_log.data[i];

        for (int bit = 0; bit < 256; bit++) {
            day_log.data[i] = (char) bit;
            wrong += walk(day_log.data, day_log.len) > day_log.len / 10;
        }

        day_log.data[i] = was;
    }

    is_int((long long) wrong, 0, "any byte any other");

    for (int i = 0; i < 200000; i++) {
        for (size_t n = 0; n < sizeof(noise); n++) {
            random = random * 1664525 + 1013904223;
            noise[n] = (char) (random >> (n % 2 ? 24 : 29));
        }

        noise[0] = (char) (random >> 25);
        wrong += walk(noise, random >> 25) > sizeof(noise);
    }

    is_int((long long) wrong, 0, "noise");
    free(day_log.data);
}


/* Strings that end in the policy domain, more than are kept that way. */

static void
test_within(void)
{
    size_t              wrong = 0;
    char                mx[1000][64];
    tlsrpt_buf_t        day_log = { NULL, 0, 0, 0 };
    tlsrpt_row_t        row;
    tlsrpt_tally_t      tally;
    tlsrpt_tally_row_t  rows[1000];

    memset(&tally, 0, sizeof(tally));
    memset(rows, 0, sizeof(rows));
    tally.rows = rows;
    tally.nrows = 1000;
    tally.ntypes = 1;
    tally.types[0].policy_type = str("sts");
    tally.types[0].failed = tally.failed = tally.failed_in_details = 1000;

    for (int i = 0; i < 1000; i++) {
        snprintf(mx[i], sizeof(mx[i]), "%.*d%s", i ? 40 : 0, i,
                 i % 2 ? ".example.com" : "example.com");
        rows[i].receiving_mx_hostname = str(mx[i]);
        rows[i].failed = 1;
    }

    rows[2].failure_reason_code = str("not example.com");

    if (tlsrpt_packed_encode(&day_log, &tally, str("example.com"), str(NULL), 0,
                             0)
        != 0)
    {
        abort();
    }

    begin(day_log.data, day_log.len);
    ok(tlsrpt_packed_next(&packed), "a packed report of many mail servers");

    for (int i = 0; i < 1000; i++) {
        wrong += !tlsrpt_packed_row(&packed, &row)
                 || !is_text(row.receiving_mx_hostname, mx[i])
                 || !is_text(row.failure_reason_code,
                             i == 2 ? "not example.com" : NULL);
    }

    is_int((long long) wrong, 0, "each is told in full");
    ok(day_log.len < 1000 * 58, "the domain is not repeated: %zu bytes",
       day_log.len);

    begin(day_log.data, day_log.len);
    packed.domain = str("a.very.much.longer.domain.than.that.example.com");
    ok(!tlsrpt_packed_next(&packed), "what is beyond the bound is none");
    free(day_log.data);
}


static void
test_later_version(void)
{
    tlsrpt_buf_t  day_log;
    size_t        half;

    make_log(&day_log, 0);
    half = day_log.len / 2;
    day_log.data[2] |= (char) 0x80;
    is_int((long long) walk(day_log.data, day_log.len), 1,
           "a packed report of a later version is passed over");
    begin(day_log.data, day_log.len);
    ok(tlsrpt_packed_next(&packed) && packed.via == TLSRPT_VIA_MAIL
       && day_log.len == 2 * half, "for the one behind it");
    free(day_log.data);
}


int
main(void)
{
    test_round_trip();
    test_damage();
    test_within();
    test_later_version();

    return done();
}
