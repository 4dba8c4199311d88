/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The end of the report: what can be said of it only now.
 */

#include <stdio.h>
#include <string.h>

#include "tlsrpt_builder.h"
#include "tlsrpt_time.h"


static int
add_domain(tlsrpt_builder_t *b, tlsrpt_str_t name, unsigned *index)
{
    tlsrpt_report_t  *r = &b->report;

    for (size_t i = 0; i < r->ndomains; i++) {
        if (tlsrpt_str_equal(r->domains[i], name)) {
            *index = (unsigned) i;
            return TLSRPT_OK;
        }
    }

    if (r->ndomains == TLSRPT_MAX_DOMAINS) {
        return tlsrpt_builder_fail_member(b, TLSRPT_ERR_TOO_MANY_ITEMS, "",
                                          "policies",
                           "over 64 policy domains");
    }

    *index = (unsigned) r->ndomains;
    r->domains[r->ndomains++] = name;

    return TLSRPT_OK;
}


static int
finish_policy(tlsrpt_builder_t *b, size_t i)
{
    char              path[TLSRPT_PATH_LEN];
    tlsrpt_policy_t  *p = &b->report.policies[i];

    if (p->npolicy_string) {
        p->policy_string = &b->strings[b->first[i].policy_string];
    }

    if (p->nmx_host) {
        p->mx_host = &b->strings[b->first[i].mx_host];
    }

    if (p->ndetails) {
        p->details = &b->details[b->first[i].details];
    }

    if (p->policy_domain.data == NULL) {
        snprintf(path, sizeof(path), "policies[%zu].policy", i);

        if (b->fallback_len == 0) {
            return tlsrpt_builder_fail_member(b, TLSRPT_ERR_DOMAIN, path,
                                              "policy-domain",
                               "absent, and nothing else tells it");
        }

        p->policy_domain.data = b->fallback;
        p->policy_domain.len = b->fallback_len;

        snprintf(path, sizeof(path), "policies[%zu].policy.policy-domain", i);
        tlsrpt_builder_warn_at(b, path, TLSRPT_SCHEMA, "absent, taken as %s",
                               b->fallback);
    }

    return add_domain(b, p->policy_domain, &p->domain);
}


/* policies: [] is a heartbeat: a report without sessions. */

static int
finish_heartbeat(tlsrpt_builder_t *b)
{
    unsigned      index;
    tlsrpt_str_t  name = { b->fallback, b->fallback_len };

    if (name.len == 0) {
        return tlsrpt_builder_fail_member(b, TLSRPT_ERR_DOMAIN, "", "policies",
                           "empty, and nothing else tells the policy domain");
    }

    tlsrpt_builder_warn_at(b, "policies", TLSRPT_SCHEMA,
                           "empty, taken as a report on %s without sessions",
                           b->fallback);

    return add_domain(b, name, &index);
}


static void
check_day(tlsrpt_builder_t *b)
{
    int64_t  start = b->report.start, end = b->report.end;

    if (start % TLSRPT_DAY == 0 && end == start + TLSRPT_DAY - 1) {
        return;
    }

    tlsrpt_builder_warn_at(b, "date-range", "RFC 8460 4.1",
                           start % TLSRPT_DAY == 0 && end == start + TLSRPT_DAY
                           ? "ends at the next midnight"
                           : "not one whole UTC day");
}


static int
check_members(tlsrpt_builder_t *b, unsigned seen, unsigned nulls)
{
    static const struct {
        unsigned     bit;
        const char  *name;
    } required[] = {
        { TLSRPT_SEEN_RANGE, "date-range" },
        { TLSRPT_SEEN_POLICIES, "policies" }
    };

    for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++) {
        if (!(seen & 1u << required[i].bit)) {
            return tlsrpt_builder_fail_member(b, TLSRPT_ERR_MISSING, "",
                                              required[i].name,
                               "");
        }
    }

    seen |= nulls;                          /* warned of already */

    if (!(seen & 1u << TLSRPT_SEEN_ORGANIZATION)) {
        tlsrpt_builder_warn_at(b, "organization-name", TLSRPT_SCHEMA, "absent");
    }

    if (!(seen & 1u << TLSRPT_SEEN_CONTACT)) {
        tlsrpt_builder_warn_at(b, "contact-info", TLSRPT_SCHEMA, "absent");
    }

    if (b->report.report_id.data == NULL) {
        tlsrpt_builder_warn_at(b, "report-id", TLSRPT_SCHEMA,
                               "absent: the content tells the report from "
                               "others");
    }

    return TLSRPT_OK;
}


int
tlsrpt_builder_finish(tlsrpt_builder_t *b)
{
    int               rc;
    tlsrpt_report_t  *r = &b->report;

    b->frame = b->stack;

    /* The root's frame is popped, yet still there. */
    rc = check_members(b, b->stack[1].seen, b->stack[1].nulls);

    if (rc != TLSRPT_OK) {
        return rc;
    }

    r->day = tlsrpt_day_of(r->start);
    check_day(b);

    for (size_t i = 0; i < r->npolicies; i++) {
        rc = finish_policy(b, i);

        if (rc != TLSRPT_OK) {
            return rc;
        }
    }

    return r->npolicies ? TLSRPT_OK : finish_heartbeat(b);
}
