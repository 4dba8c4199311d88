/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Whose a policy is that names no domain: the first that there is of what the
 * report came to, the one domain that the others name, a header, and what the
 * report-id ends in.
 */

#include "tap.h"
#include "report.h"

static tlsrpt_reader_t  *reader;

typedef struct {
    const char  *name;
    const char  *domain;                    /* of token or address */
    const char  *hint;
    const char  *id;
    const char  *others;                    /* policy domains, with commas */
    const char  *is;                        /* the domain; NULL: refused, "":
                                               left out */
} case_t;

static const case_t  cases[] = {
    { "the token's", "token.example", "hint.example", "1_id.example",
      "a.example", "token.example" },
    { "the token's, as typed", " Token.EXAMPLE. ", NULL, "1", "",
      "token.example" },
    { "the only other's", NULL, "hint.example", "1_id.example", "a.example",
      "a.example" },
    { "that of two others", NULL, "hint.example", "1_id.example",
      "a.example,a.example", "a.example" },
    { "in whatever case", NULL, "hint.example", "1", "a.example,A.EXAMPLE.",
      "a.example" },
    { "the header's, where others differ", NULL, "hint.example",
      "1_id.example", "a.example,b.example", "hint.example" },
    { "the header's, where there are none", NULL, "hint.example",
      "1_id.example", "", "hint.example" },
    { "the report-id's, where the header is no name", NULL, "not a name",
      "1_id.example", "", "id.example" },
    { "the report-id's", NULL, NULL, "2026-01-10T00:00:00Z_idx1_id.example",
      "a.example,b.example", "id.example" },
    { "the report-id's, of Microsoft", NULL, NULL, "1330000000+ID.example.",
      "", "id.example" },
    { "no report-id's that ends so", NULL, NULL, "133000000000+", "", NULL },
    { "no report-id's of one label", NULL, NULL, "1_example", "", NULL },
    { "no report-id's with an address", NULL, NULL, "1_192.0.2.1", "", NULL },
    { "no report-id's that is a mailbox", NULL, NULL, "1@id.example", "",
      NULL },
    { "no report-id's that is nothing but that", NULL, NULL, "id.example", "",
      NULL },
    { "left out", NULL, NULL, "1", "a.example,b.example", "" },
};


static int
put_named(char *p, size_t size, const char *names)
{
    size_t  n = 0;

    while (*names) {
        size_t  len = strcspn(names, ",");

        n += (size_t) snprintf(p + n, size - n, "{\"policy\":{"
                 "\"policy-type\":\"no-policy-found\",\"policy-domain\":"
                 "\"%.*s\"},\"summary\":{\"total-successful-session-count\":"
                 "1}},", (int) len, names);
        names += len + (names[len] == ',');
    }

    return (int) n;
}


static void
try(const case_t *c)
{
    int                             n;
    char                            named[2048], body[4096];
    tlsrpt_reader_conf_t            conf = { .max_size = MAX_SIZE,
                                             .domain = str(c->domain),
                                             .hint = str(c->hint) };
    const tlsrpt_report_t          *report = NULL;
    const tlsrpt_applied_policy_t  *last;

    named[0] = '\0';
    put_named(named, sizeof(named), c->others);
    n = snprintf(body, sizeof(body), "{\"report-id\":\"%s\",\"date-range\":{"
                 "\"start-datetime\":\"2026-01-10T00:00:00Z\","
                 "\"end-datetime\":\"2026-01-10T23:59:59Z\"},\"policies\":["
                 "%s{\"policy\":{\"policy-type\":\"sts\"},\"summary\":{"
                 "\"total-successful-session-count\":2}}]}", c->id, named);

    tlsrpt_reader_reset(reader, &conf);

    if (tlsrpt_reader_feed(reader, body, (size_t) n) == TLSRPT_OK
        && tlsrpt_reader_finish(reader, &report) != TLSRPT_OK)
    {
        report = NULL;
    }

    if (c->is == NULL) {
        ok(report == NULL
           && tlsrpt_reader_error(reader)->code == TLSRPT_ERR_DOMAIN,
           "%s: refused", c->name);
        return;
    }

    if (!ok(report != NULL, "%s: read", c->name)) {
        return;
    }

    last = &report->policies[report->npolicies - 1];

    if (*c->is == '\0') {
        ok(last->domain == TLSRPT_LEFT_OUT, "%s", c->name);

    } else {
        is_str(last->policy_domain.data, c->is, "%s", c->name);
        is_str(report->domains[last->domain].data, c->is, "and counted so");
    }
}


int
main(void)
{
    reader = tlsrpt_reader_create();

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        try(&cases[i]);
    }

    tlsrpt_reader_destroy(reader);

    return done();
}
