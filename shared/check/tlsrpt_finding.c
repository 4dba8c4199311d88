/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tlsrpt_cover.h"
#include "tlsrpt_dns.h"
#include "tlsrpt_dns_lines.h"
#include "tlsrpt_finding_record.h"
#include "tlsrpt_finding_server.h"
#include "tlsrpt_time.h"


/* What was seen so long ago says nothing of now. */
#define FRESH_SECONDS  (3 * TLSRPT_DAY)
/* After a change of what is served, DNS is given so long: caches, people. */
#define GRACE_SECONDS  TLSRPT_DAY


/*
 * What is judged
 */

int
tlsrpt_findings_is_fresh(const tlsrpt_findings_ask_t *ask, int64_t at)
{
    return at > 0 && at >= ask->now - FRESH_SECONDS;
}


/* Did the last look at the name get an answer, not long ago? */

int
tlsrpt_findings_is_told(const tlsrpt_findings_ask_t *ask,
    const tlsrpt_look_t *look)
{
    return tlsrpt_findings_is_fresh(ask, look->at) && look->error.len == 0;
}


const tlsrpt_version_t *
tlsrpt_findings_served(const tlsrpt_findings_ask_t *ask)
{
    return ask->served != NULL ? tlsrpt_versions_now(ask->served, ask->now)
                               : NULL;
}


/* Has what is served been the same for long enough? */

int
tlsrpt_findings_is_past_grace(const tlsrpt_findings_ask_t *ask)
{
    const tlsrpt_version_t  *version = tlsrpt_findings_served(ask);

    return version == NULL || version->first <= ask->now - GRACE_SECONDS;
}


/* Keeps the first error, "line N: message". */

static void
take_remark(void *ctx, int is_error, size_t at, const char *section,
    const char *message)
{
    tlsrpt_findings_t  *f = ctx;

    (void) section;

    if (is_error && f->policy_error[0] == '\0') {
        snprintf(f->policy_error, sizeof(f->policy_error), "line %zu: %s", at,
                 message);
    }
}


/* The policy that senders get: what was fetched, else what is served here.
   0: it was fetched, and is none. */

static int
know_policy(const tlsrpt_findings_ask_t *ask, tlsrpt_findings_t *f)
{
    const tlsrpt_version_t      *version = tlsrpt_findings_served(ask);
    const tlsrpt_seen_policy_t  *seen = &ask->seen->policy;

    if (tlsrpt_str_is(seen->result, "ok") && seen->text.data != NULL
        && tlsrpt_findings_is_fresh(ask, seen->at))
    {
        if (mta_sts_policy_parse_strictly(seen->text.data, seen->text.len,
                                          &f->policy, take_remark, f)
            != 0)
        {
            return 0;
        }

        f->has_policy = 1;
        mta_sts_policy_id(&f->policy, f->id);

    } else {
        f->has_policy = version != NULL
                        && tlsrpt_version_policy(version, &f->policy) == 0;
    }

    return 1;
}


static int
mode_of(const tlsrpt_findings_t *f)
{
    return f->has_policy ? f->policy.mode : -1;
}


/* NULL: there is no room, for what is the least bad as it comes last. */

tlsrpt_finding_t *
tlsrpt_findings_add(tlsrpt_findings_t *f, const char *type, const char *section,
    tlsrpt_about_t about)
{
    tlsrpt_finding_t  *finding;

    if (f->n == TLSRPT_MAX_FINDINGS) {
        return NULL;
    }

    finding = &f->list[f->n++];
    memset(finding, 0, sizeof(*finding));
    finding->type = type;
    finding->section = section;
    finding->about = about;
    finding->mode = mode_of(f);
    finding->severity = TLSRPT_SEVERITY_MEDIUM;

    return finding;
}


/*
 * The policy and its host.  Whoever holds an earlier copy keeps to it (RFC 8461
 * 5.1), so no mail is lost by this alone: never more than medium.
 */

static const struct {
    const char  *result;
    const char  *type;
    const char  *section;
} policy_results[] = {
    { "no-address", "sts-policy-fetch-error", "check-policy-address" },
    { "connect-failed", "sts-policy-fetch-error", "check-policy-connect" },
    { "timeout", "sts-policy-fetch-error", "check-policy-connect" },
    { "redirect", "sts-policy-fetch-error", "check-policy-redirect" },
    { "status", "sts-policy-fetch-error", "check-policy-status" },
    { "type", "sts-policy-fetch-error", "check-policy-type" },
    { "too-large", "sts-policy-fetch-error", "check-policy-size" },
    { "too-slow", "sts-policy-fetch-error", "check-policy-slow" },
    { "empty", "sts-policy-invalid", "check-policy-invalid" },
    { "tls-failed", "sts-webpki-invalid", "check-policy-tls" },
    { "not-trusted", "sts-webpki-invalid", "check-policy-trust" },
    { "expired", "sts-webpki-invalid", "check-policy-expired" },
    { "wrong-name", "sts-webpki-invalid", "check-policy-name" }
};


static tlsrpt_finding_t *
find_policy(const tlsrpt_findings_ask_t *ask, tlsrpt_findings_t *f,
    const char *type, const char *section)
{
    const tlsrpt_seen_policy_t  *seen = &ask->seen->policy;
    tlsrpt_finding_t            *finding = tlsrpt_findings_add(f, type, section,
                                                TLSRPT_ABOUT_POLICY);

    if (finding != NULL) {
        finding->at = seen->at;
        finding->since = seen->since;
        finding->detail = seen->detail;
        finding->status = seen->status;
        finding->tls = &seen->tls;

        if (seen->tls.nchain) {
            finding->subject = seen->tls.chain[0].subject;
            finding->not_after = seen->tls.chain[0].not_after;
        }
    }

    return finding;
}


/* Is there to be a policy: served here, or promised in DNS? */

static int
is_policy_expected(const tlsrpt_findings_ask_t *ask)
{
    size_t                   n;
    const tlsrpt_version_t  *version = tlsrpt_findings_served(ask);

    (void) tlsrpt_findings_record(&ask->seen->sts, "v=STSv1", &n);

    return version != NULL ? version->mode != MTA_STS_NONE : n > 0;
}


/* Of what is no text of a policy. */

static void
judge_policy_failure(const tlsrpt_findings_ask_t *ask, tlsrpt_findings_t *f)
{
    tlsrpt_finding_t            *finding;
    const tlsrpt_seen_policy_t  *seen = &ask->seen->policy;
    const size_t                 n = sizeof(policy_results)
                                     / sizeof(policy_results[0]);

    for (size_t i = 0; i < n; i++) {
        const char  *section = policy_results[i].section;

        if (!tlsrpt_str_is(seen->result, policy_results[i].result)) {
            continue;
        }

        /* 403 to senders, 200 to browsers: a wall against robots */
        if (tlsrpt_str_is(seen->result, "status")
            && tlsrpt_str_is(seen->other_result, "ok"))
        {
            section = "check-policy-agent";
        }

        finding = find_policy(ask, f, policy_results[i].type, section);

        if (finding != NULL && tlsrpt_str_is(seen->result, "type")) {
            finding->found = seen->type;
        }

        return;
    }
}


/* Of a policy that was got over one address, but not over another. */

static void
judge_policy_addresses(const tlsrpt_findings_ask_t *ask, tlsrpt_findings_t *f)
{
    tlsrpt_finding_t  *finding;

    if (ask->seen->policy.bad_address.len == 0) {
        return;
    }

    finding = find_policy(ask, f, "sts-policy-fetch-error",
                          "check-policy-one-address");

    if (finding != NULL) {
        finding->address = ask->seen->policy.bad_address;
    }
}


static void
judge_policy_text(const tlsrpt_findings_ask_t *ask, tlsrpt_findings_t *f,
    int is_valid)
{
    tlsrpt_finding_t        *finding;
    const tlsrpt_version_t  *version = tlsrpt_findings_served(ask);

    if (!is_valid) {
        finding = find_policy(ask, f, "sts-policy-invalid",
                              "check-policy-invalid");

        if (finding != NULL) {
            finding->detail.data = f->policy_error;
            finding->detail.len = strlen(f->policy_error);
        }

    /* somebody else answers in our place */
    } else if (f->id[0] != '\0' && version != NULL && version->id.len
               && !tlsrpt_str_is(version->id, f->id)
               && tlsrpt_findings_is_past_grace(ask))
    {
        finding = find_policy(ask, f, TLSRPT_POLICY_DIFFERS,
                              TLSRPT_POLICY_DIFFERS);

        if (finding != NULL) {
            finding->expected = version->id;
        }
    }
}


static void
judge_policy(const tlsrpt_findings_ask_t *ask, tlsrpt_findings_t *f,
    int is_valid)
{
    tlsrpt_finding_t             expiring;
    tlsrpt_finding_t            *finding;
    const tlsrpt_seen_policy_t  *seen = &ask->seen->policy;

    if (!tlsrpt_findings_is_fresh(ask, seen->at) || !is_policy_expected(ask)) {
        return;
    }

    if (!tlsrpt_str_is(seen->result, "ok")) {
        judge_policy_failure(ask, f);
        return;
    }

    judge_policy_text(ask, f, is_valid);
    judge_policy_addresses(ask, f);

    if (tlsrpt_finding_expiring(&seen->tls, ask->now, &expiring)) {
        finding = find_policy(ask, f, TLSRPT_CERTIFICATE_EXPIRING,
                              "check-policy-expiring");

        if (finding != NULL) {
            finding->severity = expiring.severity > TLSRPT_SEVERITY_MEDIUM
                                ? TLSRPT_SEVERITY_MEDIUM : expiring.severity;
            finding->subject = expiring.subject;
            finding->not_after = expiring.not_after;
            finding->opens = 1;
        }
    }
}


/*
 * Mail servers
 */

/* Does a line of the policy cover the host (RFC 8461 4.1)? */

static int
is_covered(const mta_sts_policy_t *policy, tlsrpt_str_t host)
{
    for (size_t i = 0; i < policy->nmx; i++) {
        const tlsrpt_str_t  mx = { policy->mx[i], strlen(policy->mx[i]) };

        if (tlsrpt_covers(mx, host)) {
            return 1;
        }
    }

    return 0;
}


static tlsrpt_finding_t *
find_mx(tlsrpt_findings_t *f, const char *type, const char *section,
    tlsrpt_str_t host)
{
    tlsrpt_finding_t  *finding = tlsrpt_findings_add(f, type, section,
                                                     TLSRPT_ABOUT_MX);

    if (finding != NULL) {
        finding->mx = host;
    }

    return finding;
}


static void
judge_cover(const tlsrpt_findings_ask_t *ask, tlsrpt_findings_t *f,
    tlsrpt_str_t host)
{
    tlsrpt_finding_t  *finding;

    if (!f->has_policy || f->policy.mode == MTA_STS_NONE
        || is_covered(&f->policy, host))
    {
        return;
    }

    finding = find_mx(f, "validation-failure", "check-not-covered", host);

    if (finding != NULL) {
        finding->at = ask->seen->mx.at;
        finding->since = ask->seen->mx.since;
    }
}


/* What it costs: under enforce mail is refused (RFC 8461 5), by senders of DANE
   too (RFC 7672 2.2); under testing it is reported; else nobody refuses. */

static void
weigh(tlsrpt_finding_t *finding)
{
    const int  refused = finding->mode == MTA_STS_ENFORCE || finding->dane;

    finding->severity = refused ? TLSRPT_SEVERITY_HIGH
                        : finding->mode == MTA_STS_TESTING
                          ? TLSRPT_SEVERITY_MEDIUM : TLSRPT_SEVERITY_LOW;
    finding->lost = refused ? TLSRPT_FINDING_LOST_YES : TLSRPT_FINDING_LOST_NO;
}


static void
judge_server(const tlsrpt_findings_ask_t *ask, tlsrpt_findings_t *f,
    const tlsrpt_seen_server_t *server)
{
    tlsrpt_finding_t  *finding;
    tlsrpt_finding_t   found[TLSRPT_SERVER_FINDINGS];
    const size_t       n = tlsrpt_finding_of_server(server, ask->now, found);

    for (size_t i = 0; i < n; i++) {
        finding = find_mx(f, found[i].type, found[i].section, server->host);

        if (finding == NULL) {
            return;
        }

        found[i].mx = server->host;
        found[i].mode = finding->mode;
        *finding = found[i];

        if (strcmp(finding->type, TLSRPT_CERTIFICATE_EXPIRING) != 0) {
            weigh(finding);

        /* where nobody checks it, it will cost nothing either */
        } else if (finding->mode == MTA_STS_TESTING
                   || finding->mode == MTA_STS_ENFORCE)
        {
            finding->opens = 1;

            if (finding->mode == MTA_STS_TESTING
                && finding->severity > TLSRPT_SEVERITY_MEDIUM)
            {
                finding->severity = TLSRPT_SEVERITY_MEDIUM;
            }

        } else {
            finding->severity = TLSRPT_SEVERITY_LOW;
        }
    }
}


static int
costs(const tlsrpt_findings_t *f, size_t from, tlsrpt_str_t host)
{
    for (size_t i = from; i < f->n; i++) {
        if (tlsrpt_str_equal(f->list[i].mx, host)
            && f->list[i].lost == TLSRPT_FINDING_LOST_YES)
        {
            return 1;
        }
    }

    return 0;
}


/* Senders try the next mail server (RFC 5321 5.1): where one is left that is
   not known to fail, mail is perhaps lost. */

static void
judge_loss(const tlsrpt_findings_ask_t *ask, tlsrpt_findings_t *f, size_t from)
{
    int  left = 0;

    for (size_t i = 0; i < ask->seen->nhosts; i++) {
        left |= !costs(f, from, ask->seen->hosts[i].host);
    }

    for (size_t i = from; left && i < f->n; i++) {
        if (f->list[i].lost == TLSRPT_FINDING_LOST_YES) {
            f->list[i].lost = TLSRPT_FINDING_LOST_PERHAPS;
        }
    }
}


static void
judge_servers(const tlsrpt_findings_ask_t *ask, tlsrpt_findings_t *f)
{
    size_t                from = f->n;
    const tlsrpt_seen_t  *seen = ask->seen;

    if (seen->is_null_mx || !tlsrpt_findings_is_told(ask, &seen->mx)) {
        return;
    }

    for (size_t i = 0; i < seen->nhosts; i++) {
        const size_t                 before = f->n;
        const tlsrpt_str_t           host = seen->hosts[i].host;
        const tlsrpt_seen_server_t  *server = tlsrpt_seen_server(seen, host);

        judge_cover(ask, f, host);

        if (f->n > before) {
            weigh(&f->list[before]);
        }

        if (server != NULL && tlsrpt_findings_is_fresh(ask, server->at)) {
            judge_server(ask, f, server);
        }
    }

    judge_loss(ask, f, from);
}


/*
 * All of it
 */

/* Of one type and cause there is one problem: the first that was found. */

static int
is_twice(const tlsrpt_findings_t *f, size_t n, const tlsrpt_finding_t *finding)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(f->list[i].type, finding->type) == 0
            && f->list[i].about == finding->about
            && tlsrpt_str_equal(f->list[i].mx, finding->mx))
        {
            return 1;
        }
    }

    return 0;
}


/* By insertion, as there are few, and what is as bad stays in its order. */

static void
sort(tlsrpt_findings_t *f)
{
    tlsrpt_finding_t  finding;
    size_t            n = 0, k;

    for (size_t i = 0; i < f->n; i++) {
        finding = f->list[i];

        if (is_twice(f, n, &finding)) {
            continue;
        }

        for (k = n++; k > 0 && f->list[k - 1].severity < finding.severity; k--)
        {
            f->list[k] = f->list[k - 1];
        }

        f->list[k] = finding;
    }

    f->n = n;
}


void
tlsrpt_findings(const tlsrpt_findings_ask_t *ask, tlsrpt_findings_t *f)
{
    int  is_valid;

    memset(f, 0, sizeof(*f));

    if (ask->seen == NULL) {
        return;
    }

    is_valid = know_policy(ask, f);
    judge_servers(ask, f);
    judge_policy(ask, f, is_valid);
    tlsrpt_findings_of_dnssec(ask, f);
    tlsrpt_findings_of_records(ask, f);
    sort(f);
}


static int
is_policy_known(const tlsrpt_findings_ask_t *ask)
{
    const tlsrpt_str_t  result = ask->seen->policy.result;

    return tlsrpt_findings_is_fresh(ask, ask->seen->policy.at) && result.len
           && !tlsrpt_str_is(result, "unknown");
}


/* A server that the MX records name no more has nothing wrong with it. */

static int
is_mx_known(const tlsrpt_findings_ask_t *ask, tlsrpt_str_t type,
    tlsrpt_str_t mx)
{
    int                          is_named = 0;
    const tlsrpt_seen_t         *seen = ask->seen;
    const tlsrpt_seen_server_t  *server = tlsrpt_seen_server(seen, mx);

    if (!tlsrpt_findings_is_told(ask, &seen->mx)) {
        return 0;
    }

    for (size_t i = 0; i < seen->nhosts; i++) {
        is_named |= tlsrpt_str_equal(seen->hosts[i].host, mx);
    }

    return !is_named
           || (server != NULL && tlsrpt_findings_is_fresh(ask, server->at)
               && tlsrpt_finding_can_tell(server, type))
           /* the record tells of the cover, and no server was asked */
           || (server == NULL && tlsrpt_str_is(type, "validation-failure"));
}


int
tlsrpt_finding_is_known(const tlsrpt_findings_ask_t *ask, tlsrpt_str_t type,
    tlsrpt_about_t about, tlsrpt_str_t mx)
{
    if (ask->seen == NULL) {
        return 0;
    }

    switch (about) {

    case TLSRPT_ABOUT_REPORTING:
        return tlsrpt_findings_is_told(ask, &ask->seen->reporting);

    case TLSRPT_ABOUT_STS:
        return tlsrpt_findings_is_told(ask, &ask->seen->sts);

    case TLSRPT_ABOUT_POLICY:
        return is_policy_known(ask);

    case TLSRPT_ABOUT_DOMAIN:
        return tlsrpt_findings_is_told(ask, &ask->seen->mx)
               && tlsrpt_findings_is_told(ask, &ask->seen->sts)
               && tlsrpt_findings_is_told(ask, &ask->seen->reporting);

    default:
        return is_mx_known(ask, type, mx);
    }
}
