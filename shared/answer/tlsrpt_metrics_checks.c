/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tlsrpt_domain.h"
#include "tlsrpt_metrics_checks.h"
#include "tlsrpt_seen.h"
#include "tlsrpt_time.h"


#define STALE        (3 * TLSRPT_DAY)       /* a look that tells of now */
#define MAX_RESULTS  16

typedef enum { RECORD, POLICY, SERVER, NKINDS } kind_t;

/* As doc/checks.md lists them; what is none of them is "other". */
static const struct {
    const char  *name;
    const char  *results[MAX_RESULTS];      /* and NULL */
} kinds[NKINDS] = {
    { "record", { "ok", "failed", NULL } },
    { "policy", { "ok", "no-address", "connect-failed", "timeout",
                  "tls-failed", "not-trusted", "expired", "wrong-name",
                  "redirect", "status", "type", "too-large", "too-slow",
                  "empty", "unknown", NULL } },
    { "server", { "ok", "no-starttls", "starttls-refused", "tls-failed",
                  "not-public", "unreachable", "timeout", "tarpit", "busy",
                  "unknown", NULL } }
};

struct tlsrpt_metrics_checks {
    int64_t   oldest;                       /* look; 0: none */
    uint64_t  counts[NKINDS][MAX_RESULTS];  /* the last: other */
    json_t   *hosts;                        /* owned: name -> seconds */
};


tlsrpt_metrics_checks_t *
tlsrpt_metrics_checks_create(void)
{
    tlsrpt_metrics_checks_t  *checks = calloc(1, sizeof(*checks));

    if (checks != NULL) {
        checks->hosts = json_object();

        if (checks->hosts == NULL) {
            free(checks);
            return NULL;
        }
    }

    return checks;
}


void
tlsrpt_metrics_checks_destroy(tlsrpt_metrics_checks_t *checks)
{
    if (checks != NULL) {
        json_decref(checks->hosts);
        free(checks);
    }
}


/*
 * One domain
 */

static void
count(tlsrpt_metrics_checks_t *checks, kind_t kind, tlsrpt_str_t result)
{
    size_t  i = 0;

    while (kinds[kind].results[i] != NULL
           && !tlsrpt_str_is(result, kinds[kind].results[i]))
    {
        i++;
    }

    checks->counts[kind][kinds[kind].results[i] ? i : MAX_RESULTS - 1]++;
}


static void
count_record(tlsrpt_metrics_checks_t *checks, const tlsrpt_look_t *look)
{
    if (look->at) {
        count(checks, RECORD, look->error.len ? TLSRPT_STR("failed")
                                              : TLSRPT_STR("ok"));
    }
}


/* The certificate that ends first; 0: none was sent. */

static int64_t
first_end(const tlsrpt_seen_chain_t *chain)
{
    int64_t  end = 0;

    for (size_t i = 0; i < chain->nchain; i++) {
        const int64_t  not_after = chain->chain[i].not_after;

        end = end == 0 || not_after < end ? not_after : end;
    }

    return end;
}


/* A host of several domains is there once. */

static int
add_host(tlsrpt_metrics_checks_t *checks, const char *host,
    const tlsrpt_seen_chain_t *chain)
{
    const int64_t   end = first_end(chain);
    json_t         *was = json_object_get(checks->hosts, host);

    if (end <= 0 || (was != NULL && json_integer_value(was) <= end)
        || (was == NULL
            && json_object_size(checks->hosts) >= TLSRPT_METRICS_HOSTS))
    {
        return 0;
    }

    return json_object_set_new(checks->hosts, host, json_integer(end));
}


static int
add_policy(tlsrpt_metrics_checks_t *checks, tlsrpt_str_t domain,
    const tlsrpt_seen_policy_t *policy)
{
    char  host[TLSRPT_DOMAIN_LEN + 16];

    if (policy->result.len == 0) {
        return 0;
    }

    count(checks, POLICY, policy->result);
    snprintf(host, sizeof(host), "mta-sts.%.*s",
             (int) (domain.len < TLSRPT_DOMAIN_LEN ? domain.len
                                                   : TLSRPT_DOMAIN_LEN),
             domain.data);

    return add_host(checks, host, &policy->tls);
}


static int
add_server(tlsrpt_metrics_checks_t *checks, const tlsrpt_seen_server_t *server)
{
    size_t  len;
    char    host[TLSRPT_DOMAIN_LEN + 1];

    count(checks, SERVER, server->result);
    len = tlsrpt_domain_normalize(server->host.data, server->host.len, host);

    if (len == 0) {
        return 0;
    }

    host[len] = '\0';

    return add_host(checks, host, &server->tls);
}


static int
add_seen(tlsrpt_metrics_checks_t *checks, tlsrpt_str_t domain,
    const tlsrpt_seen_t *seen, int64_t now)
{
    int  rc;

    if (seen->at > 0 && (checks->oldest == 0 || seen->at < checks->oldest)) {
        checks->oldest = seen->at;
    }

    if (seen->at < now - STALE) {
        return 0;
    }

    count_record(checks, &seen->reporting);
    count_record(checks, &seen->sts);
    count_record(checks, &seen->mx);
    rc = add_policy(checks, domain, &seen->policy);

    for (size_t i = 0; i < seen->nservers && rc == 0; i++) {
        rc = add_server(checks, &seen->servers[i]);
    }

    return rc;
}


int
tlsrpt_metrics_checks_add(tlsrpt_metrics_checks_t *checks, tlsrpt_str_t domain,
    const tlsrpt_reply_t *reply, int64_t now)
{
    int            rc;
    tlsrpt_seen_t  seen;
    tlsrpt_str_t   text = { reply->str, reply->len };

    if (reply->type != TLSRPT_REPLY_STRING
        || tlsrpt_seen_read(text, &seen) != 0)
    {
        return 0;
    }

    rc = add_seen(checks, domain, &seen, now);
    tlsrpt_seen_free(&seen);

    return rc;
}


/*
 * All
 */

static void
put_results(const tlsrpt_metrics_checks_t *checks, tlsrpt_metrics_t *metrics,
    kind_t kind)
{
    tlsrpt_metric_t  metric = {
        "tlsrpt_check_results",
        "Looks of the last checks, by what was looked at and its result.",
        "gauge", "kind", kinds[kind].name, 0
    };

    for (size_t i = 0; kinds[kind].results[i] != NULL; i++) {
        metric.value = (double) checks->counts[kind][i];
        tlsrpt_metrics_host_by(metrics, &metric, "result",
                               kinds[kind].results[i]);
    }

    metric.value = (double) checks->counts[kind][MAX_RESULTS - 1];
    tlsrpt_metrics_host_by(metrics, &metric, "result", "other");
}


static void
put_hosts(const tlsrpt_metrics_checks_t *checks, tlsrpt_metrics_t *metrics)
{
    json_t           *end;
    const char       *host;
    tlsrpt_metric_t   metric = {
        "tlsrpt_certificate_not_after_seconds",
        "When the first certificate ends of those that the host sends.",
        "gauge", "host", NULL, 0
    };

    json_object_foreach(checks->hosts, host, end) {
        metric.label_value = host;
        metric.value = (double) json_integer_value(end);
        tlsrpt_metrics_host(metrics, &metric);
    }
}


void
tlsrpt_metrics_checks_end(const tlsrpt_metrics_checks_t *checks,
    tlsrpt_metrics_t *metrics, int64_t now)
{
    tlsrpt_metric_t  age = {
        "tlsrpt_check_age_seconds",
        "How long ago the domain was checked that was checked least lately.",
        "gauge", NULL, NULL, 0
    };

    if (checks->oldest == 0) {
        return;
    }

    age.value = now > checks->oldest ? (double) (now - checks->oldest) : 0;
    tlsrpt_metrics_host(metrics, &age);

    for (int kind = 0; kind < NKINDS; kind++) {
        put_results(checks, metrics, (kind_t) kind);
    }

    put_hosts(checks, metrics);
}
