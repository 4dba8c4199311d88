/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What can be asked, and what is no question.
 */

#include "tap.h"
#include "report.h"
#include "tlsrpt_query.h"


static int
param(tlsrpt_query_t *query, const char *name, const char *value, size_t len,
    tlsrpt_error_t *error)
{
    int            rc;
    char          *copy = malloc(len ? len : 1);
    tlsrpt_str_t   v = { copy, len };

    memcpy(copy, value, len);
    memset(error, 0, sizeof(*error));
    rc = tlsrpt_query_param(query, str(name), v, error);
    free(copy);

    return rc;
}


static void
test_default(void)
{
    char            from[TLSRPT_DAY_TEXT_LEN + 1];
    tlsrpt_query_t  query;
    tlsrpt_error_t  error;

    tlsrpt_query_init(&query, NOW);
    tlsrpt_day_text(query.from, from);
    is_int(query.to, NOW / TLSRPT_DAY, "up to today");
    is_str(from, "2025-12-22", "from 29 days before");
    is_int(query.nby + query.filtered, 0, "nothing else");
    is_int(tlsrpt_query_check(&query, &error), 0, "is a question");

    query.to = query.from;
    is_int(tlsrpt_query_check(&query, &error), 0, "a day");
    query.to = query.from - 1;
    is_int(tlsrpt_query_check(&query, &error), TLSRPT_ERR_PARAMETER,
           "from after to");
    is_str(error.path, "from", "named");
    query.to = query.from + TLSRPT_MAX_QUERY_DAYS - 1;
    is_int(tlsrpt_query_check(&query, &error), 0, "10,000 days");
    query.to++;
    is_int(tlsrpt_query_check(&query, &error), TLSRPT_ERR_PARAMETER,
           "a day more");
}


static void
test_filters(void)
{
    static const struct {
        const char  *name;
        const char  *value;
        int          dimension;
        const char  *kept;
    } good[] = {
        { "day", "2026-01-10", TLSRPT_BY_DAY, "2026-01-10" },
        { "organization-name", "Google Inc.", TLSRPT_BY_ORGANIZATION,
          "Google Inc." },
        { "organization-name", "", TLSRPT_BY_ORGANIZATION, "" },
        { "policy-type", "STS", TLSRPT_BY_POLICY_TYPE, "sts" },
        { "policy-type", "", TLSRPT_BY_POLICY_TYPE, "" },
        { "via", "mail", TLSRPT_BY_VIA, "mail" },
        { "via", "https", TLSRPT_BY_VIA, "https" },
        { "result-type", "Tlsa-Invalid", TLSRPT_BY_RESULT_TYPE,
          "tlsa-invalid" },
        { "sending-mta-ip", "192.0.2.1", TLSRPT_BY_SENDING_IP, "192.0.2.1" },
        { "sending-mta-ip", "2001:DB8:0::1", TLSRPT_BY_SENDING_IP,
          "2001:db8::1" },
        { "sending-mta-ip", "::ffff:192.0.2.1", TLSRPT_BY_SENDING_IP,
          "192.0.2.1" },
        { "sending-mta-ip", "[IPv6:2001:db8::1]", TLSRPT_BY_SENDING_IP,
          "2001:db8::1" },
        { "receiving-ip", "(overflow)", TLSRPT_BY_RECEIVING_IP,
          "(overflow)" },
        { "receiving-ip", "", TLSRPT_BY_RECEIVING_IP, "" },
        { "receiving-mx-hostname", "MX.Example.com.", TLSRPT_BY_MX,
          "mx.example.com" },
        { "receiving-mx-hostname", "bücher.example", TLSRPT_BY_MX,
          "xn--bcher-kva.example" },
        { "receiving-mx-hostname", "[MX]", TLSRPT_BY_MX, "[mx]" },
        { "failure-reason-code", "<b>Ü</b> ", TLSRPT_BY_REASON,
          "<b>Ü</b> " }
    };
    tlsrpt_query_t  query;
    tlsrpt_error_t  error;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        tlsrpt_query_init(&query, NOW);
        is_int(param(&query, good[i].name, good[i].value,
                     strlen(good[i].value), &error),
               0, "%s=%s", good[i].name, good[i].value);
        is_int(query.filtered, 1 << good[i].dimension, "is a filter");
        is_str(query.filter[good[i].dimension], good[i].kept, "on that");
        is_int(query.filter_len[good[i].dimension],
               (long long) strlen(good[i].kept), "and its length");
        is_int(param(&query, good[i].name, good[i].value,
                     strlen(good[i].value), &error),
               TLSRPT_ERR_PARAMETER, "not twice");
    }
}


static void
is_bad(const char *name, const char *value, size_t len, const char *path,
    const char *detail)
{
    tlsrpt_query_t  query;
    tlsrpt_error_t  error;

    tlsrpt_query_init(&query, NOW);
    is_int(param(&query, name, value, len, &error), TLSRPT_ERR_PARAMETER,
           "%s=%.40s", path, detail);
    is_str(error.path, path, "its name");
    is_str(error.detail, detail, "the reason");
}


static void
test_errors(void)
{
    char               text[300];
    static const char  day[] = "not a day (YYYY-MM-DD)";
    static const char  ip[] = "not an IP address";
    static const char  names[] = "not one of day, organization-name, "
        "policy-type, via, result-type, sending-mta-ip, receiving-mx-hostname, "
        "receiving-ip, failure-reason-code";

    is_bad("from", "", 0, "from", day);
    is_bad("from", "2026-02-30", 10, "from", day);
    is_bad("to", "tomorrow", 8, "to", day);
    is_bad("day", "2026-1-1", 8, "day", day);
    is_bad("day", "", 0, "day", "empty");
    is_bad("via", "", 0, "via", "empty");
    is_bad("via", "Mail", 4, "via", "neither https nor mail");
    is_bad("sending-mta-ip", "192.0.2", 7, "sending-mta-ip", ip);
    is_bad("sending-mta-ip", "192.0.2.256", 11, "sending-mta-ip", ip);
    is_bad("receiving-ip", "2001:db8::g", 11, "receiving-ip", ip);
    is_bad("organization-name", "a\0b", 3, "organization-name",
           "holds a NUL");
    memset(text, 'x', sizeof(text));
    is_bad("organization-name", text, 256, "organization-name",
           "longer than 255 bytes");
    is_bad("by", "nothing", 7, "by", names);
    is_bad("by", "Day", 3, "by", names);
    is_bad("by", ",", 1, "by", names);
    is_bad("by", "day,,via", 8, "by", names);
    is_bad("by", "day,", 4, "by", "a name is missing");
    is_bad("by", "day,via,day", 11, "by", "a name is given twice");
    is_bad("", "", 0, "", "unknown parameter");
    is_bad("limit", "1", 1, "limit", "unknown parameter");

    /* whatever the name is, the answer is UTF-8 */
    is_bad("a b\xff\n", "", 0, "a?b??", "unknown parameter");
    memset(text, 'x', 100);
    text[100] = '\0';
    is_bad(text, "", 0, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
           "xxxxxxxxxxx", "unknown parameter");
}


static void
test_by(void)
{
    tlsrpt_query_t  query;
    tlsrpt_error_t  error;
    static const char  all[] = "failure-reason-code,receiving-ip,"
        "receiving-mx-hostname,sending-mta-ip,result-type,via,policy-type,"
        "organization-name,day";

    tlsrpt_query_init(&query, NOW);
    is_int(param(&query, "by", all, sizeof(all) - 1, &error), 0, "all names");
    is_int(query.nby, TLSRPT_NDIMENSIONS, "are keys");
    is_int(query.by[0], TLSRPT_BY_REASON, "in the order given");
    ok(tlsrpt_query_is_detailed(&query), "of failure details");
    ok(tlsrpt_query_is_typed(&query), "and of policy types");
    is_int(param(&query, "by", "day", 3, &error), TLSRPT_ERR_PARAMETER,
           "by twice");

    tlsrpt_query_init(&query, NOW);
    is_int(param(&query, "by", "day,via", 7, &error), 0, "two names");
    ok(!tlsrpt_query_is_detailed(&query), "of reports");
    ok(!tlsrpt_query_is_typed(&query), "of all policy types");
    is_int(param(&query, "policy-type", "sts", 3, &error), 0, "a filter");
    ok(tlsrpt_query_is_typed(&query), "on policy types");
    is_int(param(&query, "receiving-ip", "", 0, &error), 0, "a filter");
    ok(tlsrpt_query_is_detailed(&query), "on failure details");

    tlsrpt_query_init(&query, NOW);
    is_int(param(&query, "from", "2026-01-02", 10, &error), 0, "from");
    is_int(param(&query, "to", "2026-01-03", 10, &error), 0, "to");
    is_int(query.from, 20455, "is the day");
    is_int(query.to, 20456, "so is that");
}


int
main(void)
{
    test_default();
    test_filters();
    test_errors();
    test_by();

    return done();
}
