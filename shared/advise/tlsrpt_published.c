/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdio.h>
#include <string.h>

#include "tlsrpt_dns.h"
#include "tlsrpt_finding_record.h"
#include "tlsrpt_published.h"
#include "tlsrpt_time.h"
#include "tlsrpt_utf8.h"


#define STALE     (3 * TLSRPT_DAY)          /* a look that tells of now */
#define MAX_TEXT  TLSRPT_VERDICT_REASON

typedef struct {
    const tlsrpt_seen_t  *seen;
    int64_t               now;
} seen_t;


json_t *
tlsrpt_published_time(int64_t seconds)
{
    char  text[TLSRPT_TIME_TEXT_LEN + 1];

    if (seconds <= 0 || seconds >= TLSRPT_TIME_END) {
        return json_null();
    }

    tlsrpt_time_text(seconds, text);

    return json_string(text);
}


/*
 * Records
 */

/* Is it not known what is there now? */

static int
is_unknown(const seen_t *s, const tlsrpt_look_t *look, tlsrpt_verdict_t *v)
{
    v->checked = look->at;

    if (look->at == 0) {
        snprintf(v->reason, MAX_TEXT, "No check has looked at it yet.");

    } else if (look->error.len) {
        snprintf(v->reason, MAX_TEXT, "The last look failed: %.*s",
                 (int) (look->error.len < 200 ? look->error.len : 200),
                 look->error.data);

    } else if (s->now - look->at > STALE) {
        snprintf(v->reason, MAX_TEXT, "The last look is days ago.");

    } else {
        return 0;
    }

    return 1;
}


/* Records of this version; others of the name are discarded (RFC 8460 3, RFC
   8461 3.1). */

static json_t *
records_of(const tlsrpt_look_t *look, const char *version)
{
    json_t  *found = json_array();

    for (size_t i = 0; i < look->ntxt; i++) {
        if (tlsrpt_str_begins(look->txt[i], version)) {
            json_array_append_new(found, json_stringn(look->txt[i].data,
                                                      look->txt[i].len));
        }
    }

    return found;
}


/* Does the one list hold all of the other? */

static int
holds_all(const json_t *list, const json_t *wanted)
{
    size_t  i, k, hits = 0;
    json_t  *want, *one;

    json_array_foreach((json_t *) wanted, i, want) {
        json_array_foreach((json_t *) list, k, one) {
            if (json_equal(one, want)) {
                hits++;
                break;
            }
        }
    }

    return hits == json_array_size(wanted);
}


/* Is what was found as good as what is wanted: the same id, or all of our
   addresses among its own? */

static int
is_as_wanted(const json_t *found, const json_t *wanted, int is_sts)
{
    int                 same;
    json_t             *one, *two;
    const tlsrpt_str_t  f = { json_string_value(found),
                              json_string_length(found) };
    const tlsrpt_str_t  w = { json_string_value(wanted),
                              json_string_length(wanted) };

    one = tlsrpt_dns_check(f.data, f.len);
    two = tlsrpt_dns_check(w.data, w.len);

    same = json_is_true(json_object_get(one, "valid"))
           && (is_sts ? tlsrpt_str_equal(tlsrpt_findings_id(f),
                                         tlsrpt_findings_id(w))
                      : holds_all(json_object_get(one, "rua"),
                                  json_object_get(two, "rua")));

    json_decref(one);
    json_decref(two);

    return same;
}


static void
judge_text(const seen_t *s, const tlsrpt_look_t *look, const json_t *wanted,
    int is_sts, tlsrpt_verdict_t *v)
{
    size_t  n;

    v->found = records_of(look, is_sts ? "v=STSv1" : "v=TLSRPTv1");
    n = json_array_size(v->found);

    if (is_unknown(s, look, v)) {
        return;
    }

    if (n == 0) {
        v->state = "missing";
        snprintf(v->reason, MAX_TEXT, "DNS shows no such record.");

    } else if (n > 1) {
        v->state = "several";
        snprintf(v->reason, MAX_TEXT, "Where there are several, senders use "
                 "none of them (RFC %s): delete all but one.",
                 is_sts ? "8461 3.1" : "8460 3");

    } else if (is_as_wanted(json_array_get(v->found, 0), wanted, is_sts)) {
        v->state = "published";

    } else {
        v->state = "different";
        snprintf(v->reason, MAX_TEXT, is_sts
                 ? "Its id is not that of the policy that is served: senders "
                   "go on with the policy they have."
                 : "It does not name all of this server's addresses: reports "
                   "go elsewhere.");
    }
}


/* An alias into the provider's zone. */

static void
judge_alias(const seen_t *s, const tlsrpt_look_t *look, const json_t *wanted,
    tlsrpt_verdict_t *v)
{
    size_t  len = json_string_length(wanted);

    v->found = json_array();

    if (look->alias.len) {
        json_array_append_new(v->found, json_stringn(look->alias.data,
                                                     look->alias.len));
    }

    if (is_unknown(s, look, v)) {
        return;
    }

    /* the value ends in a dot */
    if (len && look->alias.len == len - 1
        && memcmp(look->alias.data, json_string_value(wanted), len - 1) == 0)
    {
        v->state = "published";

    } else {
        v->state = look->alias.len || look->ntxt ? "different" : "missing";
        snprintf(v->reason, MAX_TEXT, look->alias.len || look->ntxt
                 ? "It does not lead to this record's value."
                 : "DNS shows no such record.");
    }
}


static void
add_all(json_t *found, const json_t *list)
{
    size_t   i;
    json_t  *one;

    json_array_foreach((json_t *) list, i, one) {
        if (json_is_string(one) && json_array_size(found) < TLSRPT_SEEN_TXT) {
            json_array_append(found, one);
        }
    }
}


/* The policy host: by an alias or by addresses of its own; whether it answers
   with the policy is the policy's. */

static void
judge_host(const seen_t *s, tlsrpt_verdict_t *v)
{
    const json_t   *host = json_object_get(s->seen->json, "host");
    const json_t   *error = json_object_get(host, "error");
    tlsrpt_look_t   look;

    memset(&look, 0, sizeof(look));
    look.at = json_integer_value(json_object_get(host, "at"));
    look.error.data = json_string_value(error);
    look.error.len = json_string_length(error);

    v->found = json_array();
    add_all(v->found, json_object_get(host, "cname"));
    add_all(v->found, json_object_get(host, "a"));
    add_all(v->found, json_object_get(host, "aaaa"));

    if (is_unknown(s, &look, v)) {
        return;
    }

    if (json_array_size(json_object_get(host, "a"))
        + json_array_size(json_object_get(host, "aaaa")))
    {
        v->state = "published";

    } else {
        v->state = "missing";
        snprintf(v->reason, MAX_TEXT, "The name has no address.");
    }
}


void
tlsrpt_published_record(const tlsrpt_seen_t *seen, int64_t now,
    const json_t *record, tlsrpt_verdict_t *v)
{
    const seen_t   what = { seen, now }, *s = &what;
    const char    *name = json_string_value(json_object_get(record, "name"));
    const char    *type = json_string_value(json_object_get(record, "type"));
    const json_t  *value = json_object_get(record, "value");
    int            is_sts = strncmp(name, "_mta-sts.", 9) == 0;

    memset(v, 0, sizeof(*v));
    v->state = "unknown";

    if (strncmp(name, "mta-sts.", 8) == 0) {
        judge_host(s, v);

    } else if (!is_sts && strncmp(name, "_smtp._tls.", 11) != 0) {
        snprintf(v->reason, MAX_TEXT, "It is looked at for the enrolment "
                 "alone.");

    } else if (strcmp(type, "CNAME") == 0) {
        judge_alias(s, is_sts ? &s->seen->sts : &s->seen->reporting, value, v);

    } else {
        judge_text(s, is_sts ? &s->seen->sts : &s->seen->reporting, value,
                   is_sts, v);
    }
}


/*
 * The policy
 */

/* The finding that keeps senders from the policy as it is served; NULL: none
   does. */

static const tlsrpt_finding_t *
policy_finding(const tlsrpt_findings_t *findings)
{
    for (size_t i = 0; i < findings->n; i++) {
        if (findings->list[i].about == TLSRPT_ABOUT_POLICY
            && strcmp(findings->list[i].type, TLSRPT_CERTIFICATE_EXPIRING) != 0)
        {
            return &findings->list[i];
        }
    }

    return NULL;
}


static void
say_finding(const tlsrpt_findings_ask_t *ask, const tlsrpt_finding_t *finding,
    tlsrpt_verdict_t *v)
{
    size_t          len;
    tlsrpt_names_t  names;
    tlsrpt_words_t  w;

    tlsrpt_finding_names(ask, finding, &names);
    tlsrpt_finding_title(finding, &names, &w);
    tlsrpt_say(&w, &names, ".");            /* and a blank */
    tlsrpt_finding_evidence(finding, &names, &w);
    tlsrpt_say_no_more(&w);

    len = tlsrpt_utf8_cut(w.data, w.len, sizeof(v->reason) - 1);
    memcpy(v->reason, w.data, len);
    v->reason[len] = '\0';
}


void
tlsrpt_published_host(const tlsrpt_seen_t *seen, int64_t now,
    const tlsrpt_published_policy_t *policy, tlsrpt_verdict_t *v)
{
    tlsrpt_versions_t        served;
    tlsrpt_findings_t        findings;
    tlsrpt_findings_ask_t    ask = { policy->domain, seen, &served, now, 0 };
    const tlsrpt_finding_t  *finding;

    memset(v, 0, sizeof(*v));
    v->state = "unknown";
    v->checked = seen->policy.at;

    if (seen->policy.result.len == 0
        || tlsrpt_str_is(seen->policy.result, "unknown")
        || now - seen->policy.at > STALE)
    {
        snprintf(v->reason, sizeof(v->reason), "No check has fetched the "
                 "policy lately.");
        return;
    }

    /* mode none is to be had, too (RFC 8461 8.3), which no finding asks for */

    memset(&served, 0, sizeof(served));
    served.n = 1;
    served.list[0].id = policy->id;
    served.list[0].mode = policy->mode == MTA_STS_NONE ? MTA_STS_TESTING
                                                       : policy->mode;
    served.list[0].last = now;

    tlsrpt_findings(&ask, &findings);
    finding = policy_finding(&findings);

    if (finding == NULL) {
        v->state = "published";
        return;
    }

    v->state = tlsrpt_str_is(seen->policy.result, "ok") ? "different"
                                                        : "missing";
    say_finding(&ask, finding, v);
}


static void
policy_record(const tlsrpt_seen_t *seen, int64_t now,
    const tlsrpt_published_policy_t *policy, tlsrpt_verdict_t *v)
{
    const seen_t  s = { seen, now };
    json_t       *wanted = json_sprintf("v=STSv1; id=%.*s;",
                                        (int) policy->id.len, policy->id.data);

    memset(v, 0, sizeof(*v));
    v->state = "unknown";
    judge_text(&s, &seen->sts, wanted, 1, v);
    json_decref(wanted);
}


void
tlsrpt_published_policy(const tlsrpt_seen_t *seen, int64_t now,
    const tlsrpt_published_policy_t *policy, tlsrpt_verdict_t *v)
{
    tlsrpt_verdict_t  host;

    policy_record(seen, now, policy, v);
    tlsrpt_published_host(seen, now, policy, &host);

    /* what is wrong comes before what is not known */

    if (strcmp(v->state, "published") == 0
        || (strcmp(v->state, "unknown") == 0
            && strcmp(host.state, "published") != 0))
    {
        v->state = host.state;
        snprintf(v->reason, sizeof(v->reason), "%s", host.reason);
        v->checked = host.checked;
    }
}


json_t *
tlsrpt_published_json(tlsrpt_verdict_t *v)
{
    json_t             *found = v->found ? v->found : json_array();
    const tlsrpt_str_t  reason = { v->reason[0] ? v->reason : NULL,
                                   strlen(v->reason) };

    v->found = NULL;

    return json_pack("{s:s, s:o, s:o, s:o}", "state", v->state, "found", found,
                     "reason", tlsrpt_str_json(reason),
                     "checked", tlsrpt_published_time(v->checked));
}
