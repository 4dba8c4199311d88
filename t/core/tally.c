/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Sessions, failure details and unspecified failures of one report: the rules,
 * and the bounds.
 */

#include "tap.h"
#include "report.h"
#include "mta_sts_policy.h"
#include "tlsrpt_tally.h"

#define MAX  TLSRPT_MAX_COUNT

static tlsrpt_applied_policy_t  policies[16];
static tlsrpt_report_t          report;
static tlsrpt_tally_t           tally;


static void
begin(void)
{
    memset(&report, 0, sizeof(report));
    report.policies = policies;
}


static tlsrpt_applied_policy_t *
add_policy(const char *type, uint64_t successful, uint64_t failed)
{
    tlsrpt_applied_policy_t  *p = &policies[report.npolicies++];

    memset(p, 0, sizeof(*p));
    p->policy_type = str(type);
    p->successful = successful;
    p->failed = failed;

    return p;
}


static void
sessions_are(uint64_t successful, uint64_t failed, const char *name)
{
    is_int(tlsrpt_tally_report(&tally, &report, 0), 0, "%s", name);
    is_int((long long) tally.successful, (long long) successful, "successes");
    is_int((long long) tally.failed, (long long) failed, "failed");
    tlsrpt_tally_free(&tally);
}


static void
test_sessions(void)
{
    begin();
    sessions_are(0, 0, "no policy");

    add_policy("sts", 100, 3);
    sessions_are(100, 3, "sts");
    add_policy("tlsa", 100, 3);
    sessions_are(100, 3, "the same under tlsa");

    begin();
    add_policy("sts", 100, 3);
    add_policy("tlsa", 90, 20);
    sessions_are(90, 20, "tlsa has more of both");

    /* 103 sessions against 60; 3 failures against 50 */
    begin();
    add_policy("sts", 100, 3);
    add_policy("tlsa", 10, 50);
    sessions_are(53, 50, "more sessions of one, more failures of the other");

    begin();
    add_policy("sts", 10, 1);
    add_policy("sts", 20, 2);
    add_policy("tlsa", 25, 0);
    add_policy("no-policy-found", 5, 1);
    add_policy("future", 7, 2);
    add_policy(NULL, 1, 1);
    sessions_are(30 + 5 + 7 + 1, 3 + 1 + 2 + 1, "all types");
    is_int((long long) tally.ntypes, 5, "each by itself");

    begin();
    add_policy("sts", 100, 3);
    add_policy("tlsa", 1, 1)->domain = 1;
    sessions_are(100, 3, "of the domain alone");
    is_int((long long) tally.ntypes, 1, "and its types");
}


static void
test_saturation(void)
{
    begin();
    add_policy("sts", MAX, MAX);
    sessions_are(0, MAX, "as many failures as sessions can be");

    begin();
    add_policy("sts", MAX, 1);
    add_policy("sts", MAX, 1);
    add_policy("other", MAX, MAX);
    sessions_are(0, MAX, "sums over the bound");

    begin();
    add_policy("a", MAX - 10, 0);
    add_policy("b", 4, 5);
    sessions_are(MAX - 6, 5, "sums up to the bound are exact");
}


static void
test_types_over_bound(void)
{
    uint64_t     successful = 0;
    const char  *names[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j",
                             "k", "a" };

    begin();

    for (size_t i = 0; i < 12; i++) {
        add_policy(names[i], 1, 0);
    }

    sessions_are(12, 0, "twelve policies, eleven types");
    is_int((long long) tally.ntypes, TLSRPT_MAX_TYPES + 1, "bounded");
    is_str(tally.types[TLSRPT_MAX_TYPES].policy_type.data, "(overflow)",
           "the rest is one");

    for (size_t i = 0; i < tally.ntypes; i++) {
        successful += tally.types[i].successful;
    }

    is_int((long long) successful, 12, "no session is lost");
    is_int((long long) tally.types[0].successful, 2, "two of the first");
    is_int((long long) tally.types[TLSRPT_MAX_TYPES].successful, 3, "the rest");
}


/* Details that differ by their address. */

static void
set_details(tlsrpt_applied_policy_t *p, tlsrpt_detail_t *details, size_t n,
    const char *ips, size_t len)
{
    static const char  result[] = "validation-failure";

    memset(details, 0, n * sizeof(*details));
    p->details = details;
    p->ndetails = n;

    for (size_t i = 0; i < n; i++) {
        details[i].result_type.data = result;
        details[i].result_type.len = sizeof(result) - 1;
        details[i].sending_mta_ip.data = ips + i * len;
        details[i].sending_mta_ip.len = len;
        details[i].failed_session_count = 1;
    }
}


static uint64_t
rows_failed(void)
{
    uint64_t  sum = 0;

    for (size_t i = 0; i < tally.nrows; i++) {
        sum += tally.rows[i].failed;
    }

    return sum;
}


static void
tally_details(const char *name, size_t nrows, uint64_t overflow,
    uint64_t failed)
{
    is_int(tlsrpt_tally_report(&tally, &report, 0), 0, "%s", name);
    is_int((long long) tally.nrows, (long long) nrows, "rows");
    is_int((long long) tally.overflow, (long long) overflow, "beyond them");
    is_int((long long) tally.failed_in_details, (long long) failed,
           "failed in all");
    is_int((long long) (rows_failed() + tally.overflow), (long long) failed,
           "none is lost");
    tlsrpt_tally_free(&tally);
}


static void
test_details(void)
{
    tlsrpt_applied_policy_t  *p;
    static tlsrpt_detail_t    details[3000];
    static char               ips[3000 * 255];

    memset(ips, '1', sizeof(ips));

    begin();
    p = add_policy("sts", 1, 10);
    set_details(p, details, 4, ips, 9);
    tally_details("four details and the rest", 5, 0, 10);

    details[1].sending_mta_ip = details[0].sending_mta_ip;
    details[2].failed_session_count = 0;
    tally_details("two that are alike, one of nothing", 3, 0, 10);

    p = add_policy("sts", 1, 10);
    p->details = details;
    p->ndetails = 1;
    tally_details("another policy's of the same type", 3, 0, 20);

    policies[1].policy_type = str("tlsa");
    tally_details("of another type", 5, 0, 20);

    p->overflow = 4;
    tally_details("details the report could not hold", 5, 4, 20);
    p->overflow = 100;
    tally_details("more than all failures", 4, 100, 111);

    begin();
    p = add_policy("sts", 0, 5);
    p->overflow = MAX;
    tally_details("nothing but those", 0, MAX, MAX);

    begin();
    p = add_policy("sts", 0, 0);
    p->overflow = 7;
    tally_details("without failures", 0, 7, 7);

    begin();
    p = add_policy("sts", 1, 3000);
    set_details(p, details, 3000, ips, 9);
    tally_details("3,000 addresses", TLSRPT_MAX_ROWS, 3000 - TLSRPT_MAX_ROWS,
                  3000);

    details[2999].sending_mta_ip = details[0].sending_mta_ip;
    tally_details("a known row still takes its own", TLSRPT_MAX_ROWS,
                  2999 - TLSRPT_MAX_ROWS, 3000);

    set_details(p, details, 1000, ips, 255);
    p->failed = 1000;
    tally_details("long strings", TLSRPT_MAX_ROWS_TEXT / (255 + 18),
                  1000 - TLSRPT_MAX_ROWS_TEXT / (255 + 18), 1000);
}


/* Of several policies of one type, the one under which most failed; mx-host, or
   where that is missing the mx lines of the policy itself. */

static void
test_applied(void)
{
    tlsrpt_applied_policy_t        *p;
    const tlsrpt_tally_applied_t   *applied = &tally.types[0].applied;
    tlsrpt_str_t  hosts[] = { str("*.a.example") };
    tlsrpt_str_t  testing[] = { str("mode: testing"), str("mx: b.example"),
                                str("mx:  c.example") };
    tlsrpt_str_t  enforce[] = { str("mode: enforce"), str("mx: d.example") };

    begin();
    p = add_policy("sts", 1, 5);
    p->policy_string = testing;
    p->npolicy_string = 3;
    p = add_policy("sts", 1, 2);
    p->policy_string = enforce;
    p->npolicy_string = 2;
    sessions_are(2, 7, "most failed under the first policy");
    is_int(applied->mode, MTA_STS_TESTING + 1, "its mode");
    is_int((long long) applied->nmx, 2, "and its mx lines");
    is_str(applied->mx[1].data, "c.example", "without blanks");

    policies[1].failed = 6;
    sessions_are(2, 11, "most failed under the second policy");
    is_int(applied->mode, MTA_STS_ENFORCE + 1, "its mode");
    is_int((long long) applied->nmx, 1, "and its mx line");

    policies[0].failed = 7;
    policies[0].mx_host = hosts;
    policies[0].nmx_host = 1;
    sessions_are(2, 13, "mx-host is given");
    is_int((long long) applied->nmx, 1, "and mx lines are not looked at");
    is_str(applied->mx[0].data, "*.a.example", "mx-host alone");
}


int
main(void)
{
    test_sessions();
    test_saturation();
    test_types_over_bound();
    test_details();
    test_applied();

    return done();
}
