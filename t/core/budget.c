/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What costs more than its length is charged for: a gzip of a few hundred bytes
 * cannot hold as much of it as its text has room for.  t/bench/hostile.t says
 * what it would have cost.
 */

#include <zlib.h>

#include "tap.h"
#include "report.h"

static char    text[65536];
static size_t  len;


static void
add(const char *s, size_t times)
{
    for ( ; times; times--) {
        if (len + strlen(s) >= sizeof(text)) {
            abort();
        }

        memcpy(text + len, s, strlen(s));
        len += strlen(s);
    }
}


#define HEAD                                                                  \
    "{\"organization-name\":\"One\",\"report-id\":\"1\","                     \
    "\"contact-info\":\"x\",\"date-range\":{"                                 \
    "\"start-datetime\":\"2026-01-10T00:00:00Z\","                            \
    "\"end-datetime\":\"2026-01-10T23:59:59Z\"},\"policies\":["

#define POLICY(more, details)                                                 \
    "{\"policy\":{\"policy-type\":\"sts\",\"policy-domain\":\"example.com\""  \
    more "},\"summary\":{\"total-successful-session-count\":1,"               \
    "\"total-failure-session-count\":1},\"failure-details\":[" details

#define LINES                                                                 \
    "{\"policy\":{\"policy-type\":\"sts\",\"policy-domain\":\"a.example\""    \
    ",\"mx-host\":["
#define AFTER_LINES                                                           \
    "\"a\"]},\"summary\":{\"total-successful-session-count\":1,"              \
    "\"total-failure-session-count\":0}}]}"

#define AFTER_NAME                                                            \
    "\",\"report-id\":\"1\",\"contact-info\":\"x\",\"date-range\":{"          \
    "\"start-datetime\":\"2026-01-10T00:00:00Z\","                            \
    "\"end-datetime\":\"2026-01-10T23:59:59Z\"},\"policies\":["               \
    POLICY("", "") "]}]}"

#define DETAIL                                                                \
    "{\"result-type\":\"certificate-expired\","                               \
    "\"sending-mta-ip\":\"192.0.2.1\",\"receiving-ip\":\"198.51.100.1\","     \
    "\"receiving-mx-hostname\":\"mx.example.com\","                           \
    "\"failed-session-count\":1}"


/* A report with so many of the item between its begin and its end. */

static void
reads(int code, const char *begin, const char *item, size_t times,
    const char *end, const char *name)
{
    int                     rc;
    z_stream                z;
    static char             body[sizeof(text)];
    tlsrpt_reader_t        *reader = tlsrpt_reader_create();
    tlsrpt_reader_conf_t    conf = { .max_size = MAX_SIZE };
    const tlsrpt_report_t  *report;

    len = 0;
    add(begin, 1);
    add(item, times);
    add(end, 1);

    memset(&z, 0, sizeof(z));
    z.next_in = (unsigned char *) text;
    z.avail_in = (unsigned) len;
    z.next_out = (unsigned char *) body;
    z.avail_out = sizeof(body);

    if (reader == NULL
        || deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY)
           != Z_OK
        || deflate(&z, Z_FINISH) != Z_STREAM_END)
    {
        abort();
    }

    tlsrpt_reader_reset(reader, &conf);
    rc = tlsrpt_reader_feed(reader, body, z.total_out);

    if (rc == TLSRPT_OK) {
        rc = tlsrpt_reader_finish(reader, &report);
    }

    is_int(rc, code, "%s: %zu bytes of %lu", name, len, z.total_out);

    deflateEnd(&z);
    tlsrpt_reader_destroy(reader);
}


int
main(void)
{
    reads(TLSRPT_OK, HEAD POLICY("", ""), DETAIL ",", 250, DETAIL "]}]}",
          "details that are all alike");
    reads(TLSRPT_ERR_TOO_COSTLY, HEAD POLICY("", ""), "{},", 15000, "{}]}]}",
          "empty details");

    reads(TLSRPT_OK, HEAD, POLICY("", DETAIL) "]},", 20,
          POLICY("", DETAIL) "]}]}", "policies that are all alike");
    reads(TLSRPT_ERR_TOO_COSTLY, HEAD, POLICY("", "") "]},", 300,
          POLICY("", "") "]}]}", "policies without details");

    reads(TLSRPT_OK, HEAD LINES, "\"mx.example.com\",", 100, AFTER_LINES,
          "lines");
    reads(TLSRPT_ERR_TOO_COSTLY, HEAD LINES, "\"a\",", 15000, AFTER_LINES,
          "lines of one letter");

    reads(TLSRPT_OK, "{\"organization-name\":\"", "\\u00fc", 100, AFTER_NAME,
          "escapes");
    reads(TLSRPT_ERR_TOO_COSTLY, "{\"organization-name\":\"", "\\u00fc", 8000,
          AFTER_NAME, "a name of nothing but escapes");

    return done();
}
