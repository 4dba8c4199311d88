/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include "tlsrpt_cover.h"
#include "tlsrpt_proposal.h"
#include "tlsrpt_time.h"


/* The line that a hosted mail service has its customers' policies name, as its
   hosts change, or are many.  Only what a service itself says: a line that
   covers more hosts than it uses would let others be taken for them, and one
   that covers fewer keeps mail away.  Who says nothing of it has his hosts
   named as they are. */

typedef struct {
    const char  *service;
    const char  *line;
} service_t;

static const service_t  services[] = {
    /* https://learn.microsoft.com/purview/enhancing-mail-flow-with-mta-sts,
       "Inbound Protection": the policy of each domain whose MX leads there.
       Not for names below mx.microsoft: each domain has one of its own, such as
       contosotest-com.o-v1.mx.microsoft (Microsoft's "Configure Multi-Geo
       In-Region Routing", "Adopt an MX target"), which is named as it is. */
    { "Microsoft 365", "*.mail.protection.outlook.com" }
};

#define NSERVICES  (sizeof(services) / sizeof(services[0]))


static tlsrpt_str_t
str(const char *text)
{
    return (tlsrpt_str_t) { text, strlen(text) };
}


/* The line of a service that covers the host; NULL: it is of none. */

static const char *
line_of(tlsrpt_str_t host, const char **service)
{
    for (size_t i = 0; i < NSERVICES; i++) {
        if (tlsrpt_covers(str(services[i].line), host)) {
            *service = services[i].service;
            return services[i].line;
        }
    }

    return NULL;
}


static int
has_line(const mta_sts_policy_t *policy, tlsrpt_str_t line)
{
    for (size_t i = 0; i < policy->nmx; i++) {
        if (tlsrpt_str_is(line, policy->mx[i])) {
            return 1;
        }
    }

    return 0;
}


static void
add_host(mta_sts_policy_t *policy, tlsrpt_str_t host, json_t *reasons)
{
    const char    *why, *service = NULL, *line = line_of(host, &service);
    tlsrpt_str_t   text = line ? str(line) : host;

    if (has_line(policy, text)
        || mta_sts_policy_add_mx(policy, text.data, text.len, &why) != 0)
    {
        return;
    }

    json_array_append_new(reasons, service
        ? json_sprintf("%.*s: the MX %.*s is of %s, whose customers' policies "
                       "name this", (int) text.len, text.data, (int) host.len,
                       host.data, service)
        : json_sprintf("%.*s: an MX of the domain", (int) host.len, host.data));
}


static json_t *
policy_json(const mta_sts_policy_t *policy)
{
    char     id[MTA_STS_ID_LEN + 1];
    char    *text;
    size_t   len = mta_sts_policy_text(policy, NULL, 0);
    json_t  *mx = json_array(), *json;

    for (size_t i = 0; i < policy->nmx; i++) {
        json_array_append_new(mx, json_string(policy->mx[i]));
    }

    text = malloc(len + 1);

    if (text == NULL) {
        json_decref(mx);
        return NULL;
    }

    mta_sts_policy_text(policy, text, len);
    mta_sts_policy_id(policy, id);
    json = json_pack("{s:s, s:I, s:o, s:s%, s:s}", "mode",
                     mta_sts_mode_name(policy->mode), "max-age",
                     (json_int_t) policy->max_age, "mx", mx, "text", text,
                     len, "id", id);
    free(text);

    return json;
}


/* Why there is none; NULL: there is one. */

static const char *
refusal(const tlsrpt_seen_t *seen)
{
    if (seen == NULL || seen->mx.at == 0) {
        return "No check has seen the domain's MX yet: rspamd looks at them "
               "where its option check_dns is set.";
    }

    if (seen->is_null_mx) {
        return "The domain takes no mail (a null MX, RFC 7505): it needs no "
               "policy.";
    }

    return seen->nhosts ? NULL
           : "The last check found no MX of the domain.";
}


int
tlsrpt_proposal_add(json_t *answer, const tlsrpt_seen_t *seen)
{
    char               checked[TLSRPT_TIME_TEXT_LEN + 1];
    json_t            *reasons = json_array(), *proposal = NULL;
    const char        *no = refusal(seen);
    mta_sts_policy_t  *policy;

    if (no == NULL) {
        policy = calloc(1, sizeof(*policy));

        if (policy == NULL) {
            json_decref(reasons);
            return -1;
        }

        policy->mode = MTA_STS_TESTING;
        policy->max_age = 7 * TLSRPT_DAY;

        for (size_t i = 0; i < seen->nhosts; i++) {
            add_host(policy, seen->hosts[i].host, reasons);
        }

        proposal = policy->nmx ? policy_json(policy) : NULL;
        free(policy);
        json_array_append_new(reasons, json_string(
            "mode testing first: senders deliver, and report what enforce "
            "would refuse (RFC 8461 5)"));
        json_array_append_new(reasons, json_string(
            "max_age of a week: a mistake is held no longer; raise it once "
            "enforce has been quiet"));

    } else {
        json_array_append_new(reasons, json_string(no));
    }

    if (seen && seen->mx.at) {
        tlsrpt_time_text(seen->mx.at, checked);
    }

    return json_object_set_new(answer, "proposal",
                               proposal ? proposal : json_null()) == 0
           && json_object_set_new(answer, "checked", seen && seen->mx.at
                                  ? json_string(checked) : json_null()) == 0
           && json_object_set_new(answer, "reasons", reasons) == 0 ? 0 : -1;
}
