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

    if (r->ndomains > 0
        && tlsrpt_json_spend(b->json, TLSRPT_COST_DOMAIN) != TLSRPT_OK)
    {
        return tlsrpt_builder_fail_member(b, TLSRPT_ERR_TOO_COSTLY, "",
                                          "policies",
                                          "too many policy domains");
    }

    *index = (unsigned) r->ndomains;
    r->domains[r->ndomains++] = name;

    return TLSRPT_OK;
}


/* The name that the report-id ends in: DAY_idx1_DOMAIN of tlsrpt-reporter,
   NUMBER+DOMAIN of Microsoft. */

static void
name_of_id(const tlsrpt_builder_t *b, char name[TLSRPT_DOMAIN_LEN + 1])
{
    size_t        n, dot;
    tlsrpt_str_t  id = b->report.report_id, rest;

    name[0] = '\0';

    /* of one that was cut the end is lost */
    if (id.data == NULL || id.len > TLSRPT_MAX_STRING - 4) {
        return;
    }

    for (n = id.len; n && id.data[n - 1] != '_' && id.data[n - 1] != '+'; n--)
    {
        /* void */
    }

    rest.data = id.data + n;
    rest.len = id.len - n;
    rest.len -= rest.len && rest.data[rest.len - 1] == '.';

    for (dot = rest.len; dot && rest.data[dot - 1] != '.'; dot--) {
        /* void */
    }

    /* at least two labels, and no address */
    if (n && dot && (rest.data[dot] | 0x20) >= 'a'
        && (rest.data[dot] | 0x20) <= 'z')
    {
        tlsrpt_builder_name(name, rest);
    }
}


/* The only name that policies have; data NULL: there is none, or several. */

static tlsrpt_str_t
only_name(const tlsrpt_report_t *r)
{
    tlsrpt_str_t  only = { NULL, 0 }, none = { NULL, 0 };

    for (size_t i = 0; i < r->npolicies; i++) {
        tlsrpt_str_t  name = r->policies[i].policy_domain;

        if (name.data == NULL) {
            continue;
        }

        if (only.data != NULL && !tlsrpt_str_equal(name, only)) {
            return none;
        }

        only = name;
    }

    return only;
}


/* Whose a policy is that names no domain. */

static void
find_fallback(tlsrpt_builder_t *b)
{
    tlsrpt_str_t  only = only_name(&b->report);

    if (b->leave_unnamed) {
        b->fallback[0] = '\0';

    } else if (b->given[0]) {
        strcpy(b->fallback, b->given);

    } else if (only.data != NULL) {
        memcpy(b->fallback, only.data, only.len + 1);

    } else if (b->hint[0]) {
        strcpy(b->fallback, b->hint);

    } else {
        name_of_id(b, b->fallback);
    }

    b->fallback_len = strlen(b->fallback);
}


static int
name_policy(tlsrpt_builder_t *b, size_t i)
{
    char                      path[TLSRPT_PATH_LEN];
    tlsrpt_applied_policy_t  *p = &b->report.policies[i];

    if (b->first[i].unusable || p->policy_domain.data != NULL) {
        return TLSRPT_OK;
    }

    snprintf(path, sizeof(path), "policies[%zu].policy", i);

    if (b->fallback_len == 0) {
        tlsrpt_builder_fail_member(b, TLSRPT_ERR_DOMAIN, path, "policy-domain",
                    "absent, and nothing else tells it");
        b->first[i].unusable = 1;
        tlsrpt_builder_warn_at(b, b->error.path, TLSRPT_SCHEMA,
                               "absent, and nothing else tells it: the policy "
                               "is left out");

        return TLSRPT_ERR_DOMAIN;
    }

    snprintf(path, sizeof(path), "policies[%zu].policy.policy-domain", i);

    p->policy_domain.data = b->fallback;
    p->policy_domain.len = b->fallback_len;
    tlsrpt_builder_warn_at(b, path, TLSRPT_SCHEMA, "absent, taken as %s",
                           b->fallback);

    return TLSRPT_OK;
}


static int
finish_policy(tlsrpt_builder_t *b, size_t i)
{
    tlsrpt_applied_policy_t  *p = &b->report.policies[i];

    if (p->npolicy_string) {
        p->policy_string = &b->strings[b->first[i].policy_string];
    }

    if (p->nmx_host) {
        p->mx_host = &b->strings[b->first[i].mx_host];
    }

    if (p->ndetails) {
        p->details = &b->details[b->first[i].details];
    }

    if (b->first[i].unusable) {
        p->domain = TLSRPT_LEFT_OUT;
        return TLSRPT_OK;
    }

    return add_domain(b, p->policy_domain, &p->domain);
}


/* A policy that cannot be used is left out, if there is another. */

static int
finish_policies(tlsrpt_builder_t *b)
{
    int               rc = TLSRPT_OK;
    tlsrpt_report_t  *r = &b->report;

    for (size_t i = 0; i < r->npolicies; i++) {
        b->canonical.policies[i].unnamed = !b->first[i].named;
        r->policies[i].unnamed = !b->first[i].named;
    }

    for (size_t i = 0; i < r->npolicies; i++) {
        rc = name_policy(b, i);

        if (rc != TLSRPT_OK && b->unusable.code == TLSRPT_OK) {
            b->unusable = b->error;
        }
    }

    for (size_t i = 0; i < r->npolicies; i++) {
        rc = finish_policy(b, i);

        if (rc != TLSRPT_OK) {
            return rc;
        }
    }

    if (r->ndomains == 0) {
        b->error = b->unusable;
        return b->error.code;
    }

    return TLSRPT_OK;
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
check_members(tlsrpt_builder_t *b, unsigned given, unsigned nulls)
{
    static const struct {
        unsigned     bit;
        const char  *name;
    } required[] = {
        { TLSRPT_GIVEN_RANGE, "date-range" },
        { TLSRPT_GIVEN_POLICIES, "policies" }
    };

    for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++) {
        if (!(given & 1u << required[i].bit)) {
            return tlsrpt_builder_fail_member(b, TLSRPT_ERR_MISSING, "",
                                              required[i].name,
                               "");
        }
    }

    given |= nulls;                         /* warned of already */

    if (!(given & 1u << TLSRPT_GIVEN_ORGANIZATION)) {
        tlsrpt_builder_warn_at(b, "organization-name", TLSRPT_SCHEMA, "absent");
    }

    if (!(given & 1u << TLSRPT_GIVEN_CONTACT)) {
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
    rc = check_members(b, b->stack[1].given, b->stack[1].nulls);

    if (rc != TLSRPT_OK) {
        return rc;
    }

    if (b->canonical.failed) {
        return tlsrpt_builder_fail(b, TLSRPT_ERR_MEMORY, "%s", "");
    }

    r->day = tlsrpt_day_of(r->start);
    check_day(b);
    find_fallback(b);

    return r->npolicies ? finish_policies(b) : finish_heartbeat(b);
}
