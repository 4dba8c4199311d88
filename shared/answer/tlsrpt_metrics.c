/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tlsrpt_domain.h"
#include "tlsrpt_explain.h"
#include "tlsrpt_metrics.h"
#include "tlsrpt_packed.h"
#include "tlsrpt_result.h"
#include "tlsrpt_totals.h"


#define NOTED_BY  600                       /* seconds */


enum {
    REPORTS = 0,
    SESSIONS,
    FAILED,
    STRUCK,
    STRUCK_SESSIONS,
    LAST,
    OPEN,
    NFAMILIES
};

static const struct {
    const char  *name;
    const char  *type;
    const char  *help;
} families[NFAMILIES] = {
    { "tlsrpt_reports_total", "counter", "Reports counted." },
    { "tlsrpt_sessions_total", "counter",
      "Sessions that reports tell of, by outcome." },
    { "tlsrpt_failed_sessions_total", "counter",
      "Failed sessions of failure details, by result type." },
    { "tlsrpt_struck_reports_total", "counter",
      "Reports counted that were struck out since." },
    { "tlsrpt_struck_sessions_total", "counter",
      "Sessions that those told of, by outcome." },
    { "tlsrpt_last_report_timestamp_seconds", "gauge",
      "When the last report came." },
    { "tlsrpt_open_problems", "gauge",
      "Problems that are open, by severity." }
};

/* The samples of a family must stand together, while domains come one by one:
   a text for each family. */

_Static_assert(TLSRPT_METRICS_PARTS == NFAMILIES + 1, "and the host's");

struct tlsrpt_metrics {
    int           openmetrics;
    tlsrpt_buf_t  text[NFAMILIES];
    int           begun[NFAMILIES];
    tlsrpt_buf_t  host;
    char          last[64];                 /* of the host's names */
};


tlsrpt_metrics_t *
tlsrpt_metrics_create(int openmetrics)
{
    tlsrpt_metrics_t  *metrics = calloc(1, sizeof(*metrics));

    if (metrics != NULL) {
        metrics->openmetrics = openmetrics;
    }

    return metrics;
}


void
tlsrpt_metrics_destroy(tlsrpt_metrics_t *metrics)
{
    if (metrics == NULL) {
        return;
    }

    for (int i = 0; i < NFAMILIES; i++) {
        free(metrics->text[i].data);
    }

    free(metrics->host.data);
    free(metrics);
}


static void put(tlsrpt_buf_t *buf, const char *format, ...)
    TLSRPT_PRINTF(2, 3);

static void
put(tlsrpt_buf_t *buf, const char *format, ...)
{
    int      n;
    char     line[TLSRPT_DOMAIN_LEN + 256];
    va_list  args;

    va_start(args, format);
    n = vsnprintf(line, sizeof(line), format, args);
    va_end(args);

    if (n < 0 || (size_t) n >= sizeof(line)) {
        buf->failed = 1;
        return;
    }

    tlsrpt_buf_add(buf, line, (size_t) n);
}


/* OpenMetrics names a counter's family without "_total". */

static void
put_family(const tlsrpt_metrics_t *metrics, tlsrpt_buf_t *buf,
    const char *name, const char *type, const char *help)
{
    size_t  n = strlen(name);

    if (metrics->openmetrics && strcmp(type, "counter") == 0) {
        n -= sizeof("_total") - 1;
    }

    put(buf, "# HELP %.*s %s\n# TYPE %.*s %s\n", (int) n, name, help, (int) n,
        name, type);
}


/* The text of a family, which begins with its name. */

static tlsrpt_buf_t *
part(tlsrpt_metrics_t *metrics, unsigned family)
{
    if (!metrics->begun[family]) {
        metrics->begun[family] = 1;
        put_family(metrics, &metrics->text[family], families[family].name,
                   families[family].type, families[family].help);
    }

    return &metrics->text[family];
}


/*
 * Domains
 */

/* A field of the domain's hash; NULL: it is not in it. */

static const tlsrpt_reply_t *
field_of(const tlsrpt_reply_t *reply, const char *name)
{
    for (size_t i = 0;
         reply->type == TLSRPT_REPLY_ARRAY && i + 1 < reply->nelements; i += 2)
    {
        const tlsrpt_reply_t  *field = reply->elements[i];

        if (field->type == TLSRPT_REPLY_STRING && field->len == strlen(name)
            && memcmp(field->str, name, field->len) == 0)
        {
            return reply->elements[i + 1];
        }
    }

    return NULL;
}


static void
put_sessions(tlsrpt_metrics_t *metrics, unsigned family, tlsrpt_str_t domain,
    const tlsrpt_totals_t *totals)
{
    int            n = (int) domain.len;
    tlsrpt_buf_t  *text = part(metrics, family);

    put(text, "%s{policy_domain=\"%.*s\",outcome=\"successful\"} %" PRIu64
        "\n", families[family].name, n, domain.data, totals->successful);
    put(text, "%s{policy_domain=\"%.*s\",outcome=\"failed\"} %" PRIu64 "\n",
        families[family].name, n, domain.data, totals->failed);
}


static void
put_number(tlsrpt_metrics_t *metrics, unsigned family, tlsrpt_str_t domain,
    uint64_t number)
{
    put(part(metrics, family), "%s{policy_domain=\"%.*s\"} %" PRIu64 "\n",
        families[family].name, (int) domain.len, domain.data, number);
}


/* What counts no more was counted once: a counter never goes down.  struck:
   NULL: nothing was struck out. */

static void
add_totals(tlsrpt_metrics_t *metrics, tlsrpt_str_t domain,
    const tlsrpt_reply_t *reply, const tlsrpt_reply_t *struck,
    const tlsrpt_before_t *before)
{
    tlsrpt_totals_t  all, gone = { 0, 0, 0, 0, 0 };
    const int        is_struck = struck != NULL
                                 && tlsrpt_totals_parse_struck(struck, &gone)
                                    == 0;

    if (tlsrpt_totals_parse(reply, &all) != 0) {
        return;
    }

    tlsrpt_totals_add(&all, &gone);
    tlsrpt_totals_take(&all, &before->all);
    tlsrpt_totals_take(&all, &before->struck);

    if (is_struck) {
        tlsrpt_totals_take(&gone, &before->struck);
        put_number(metrics, STRUCK, domain, gone.reports);
        put_sessions(metrics, STRUCK_SESSIONS, domain, &gone);
    }

    put_number(metrics, REPORTS, domain, all.reports);
    put_sessions(metrics, SESSIONS, domain, &all);

    if (all.last >= (uint64_t) before->since) {
        put_number(metrics, LAST, domain, all.last);
    }
}


static int
is_number(const tlsrpt_reply_t *value)
{
    return value->len > 0 && value->len <= 16
           && strspn(value->str, "0123456789") >= value->len;
}


/* "t:RESULT-TYPE", of the words that shared/store/tlsrpt_ingest.c uses. */

static void
add_result_type(tlsrpt_metrics_t *metrics, tlsrpt_str_t domain,
    const tlsrpt_reply_t *field, const tlsrpt_reply_t *value,
    const tlsrpt_before_t *before)
{
    uint64_t      failures, earlier;
    tlsrpt_str_t  word = { field->str + 2, field->len - 2 };

    if (!tlsrpt_result_code(word)
        && (word.len != 5 || memcmp(word.data, "other", 5) != 0))
    {
        return;
    }

    if (!is_number(value)) {
        return;
    }

    earlier = tlsrpt_before_failures(before, word);
    failures = strtoull(value->str, NULL, 10);

    put(part(metrics, FAILED),
        "%s{policy_domain=\"%.*s\",result_type=\"%.*s\"} %" PRIu64 "\n",
        families[FAILED].name, (int) domain.len, domain.data, (int) word.len,
        word.data, failures > earlier ? failures - earlier : 0);
}


/* What was counted before an owner had the domain.  Whoever drains the events
   of the registry notes it soon after (tlsrpt_registry_acts.h), if there was
   anything.  0, or -1: it is not known. */

static int
before_of(const tlsrpt_reply_t *reply, int64_t since, int64_t now,
    tlsrpt_before_t *before)
{
    const tlsrpt_reply_t  *noted = field_of(reply, TLSRPT_BEFORE_FIELD);

    memset(before, 0, sizeof(*before));

    if (since == 0) {
        return 0;
    }

    if (noted == NULL && now - since > NOTED_BY) {
        before->since = since;
        return 0;
    }

    return noted != NULL && tlsrpt_before_parse(noted, before) == 0
           && before->since == since ? 0 : -1;
}


void
tlsrpt_metrics_add_since(tlsrpt_metrics_t *metrics, tlsrpt_str_t domain,
    const tlsrpt_reply_t *reply, int64_t since, int64_t now)
{
    tlsrpt_before_t  before;

    if (reply->type != TLSRPT_REPLY_ARRAY
        || before_of(reply, since, now, &before) != 0)
    {
        return;
    }

    for (size_t i = 0; i + 1 < reply->nelements; i += 2) {
        const tlsrpt_reply_t  *field = reply->elements[i];
        const tlsrpt_reply_t  *value = reply->elements[i + 1];

        if (field->type != TLSRPT_REPLY_STRING
            || value->type != TLSRPT_REPLY_STRING)
        {
            continue;
        }

        if (field->len == 3 && memcmp(field->str, "all", 3) == 0) {
            add_totals(metrics, domain, value, field_of(reply, "s"), &before);

        } else if (field->len > 2 && memcmp(field->str, "t:", 2) == 0) {
            add_result_type(metrics, domain, field, value, &before);
        }
    }
}


void
tlsrpt_metrics_add(tlsrpt_metrics_t *metrics, tlsrpt_str_t domain,
    const tlsrpt_reply_t *reply)
{
    tlsrpt_metrics_add_since(metrics, domain, reply, 0, 0);
}


void
tlsrpt_metrics_open(tlsrpt_metrics_t *metrics, tlsrpt_str_t domain,
    const tlsrpt_state_t *state)
{
    size_t    i;
    json_t   *entry;
    unsigned  severity, n[4] = { 0, 0, 0, 0 };

    json_array_foreach(json_object_get(state->json, "open"), i, entry) {
        n[tlsrpt_state_severity(entry)]++;
    }

    for (severity = 3; severity > 0; severity--) {
        put(part(metrics, OPEN), "%s{policy_domain=\"%.*s\",severity=\"%s\"} "
            "%u\n", families[OPEN].name, (int) domain.len, domain.data,
            tlsrpt_severity_name((tlsrpt_severity_t) (severity - 1)),
            n[severity]);
    }
}


int
tlsrpt_metrics_has_open(const tlsrpt_reply_t *reply)
{
    unsigned               rules, open;
    const tlsrpt_reply_t  *mark = field_of(reply, "p");

    return mark != NULL && tlsrpt_state_mark(mark, &rules, &open) == 0
           && open > 0;
}


uint64_t
tlsrpt_metrics_last(const tlsrpt_reply_t *reply)
{
    tlsrpt_totals_t        all;
    const tlsrpt_reply_t  *value = field_of(reply, "all");

    if (value == NULL || tlsrpt_totals_parse(value, &all) != 0) {
        return 0;
    }

    return all.last ? all.last : 1;
}


/*
 * The host's own
 */

/* Begins a family of the host's part, unless the last value was of it. */

static void
begin_host(tlsrpt_metrics_t *metrics, const char *name, const char *type,
    const char *help)
{
    if (strcmp(metrics->last, name) != 0) {
        put_family(metrics, &metrics->host, name, type, help);
        snprintf(metrics->last, sizeof(metrics->last), "%s", name);
    }
}


void
tlsrpt_metrics_host(tlsrpt_metrics_t *metrics, const tlsrpt_metric_t *metric)
{
    begin_host(metrics, metric->name, metric->type, metric->help);

    if (metric->label != NULL) {
        put(&metrics->host, "%s{%s=\"%s\"} %.15g\n", metric->name,
            metric->label, metric->label_value, metric->value);

    } else {
        put(&metrics->host, "%s %.15g\n", metric->name, metric->value);
    }
}


void
tlsrpt_metrics_host_by(tlsrpt_metrics_t *metrics, const tlsrpt_metric_t *metric,
    const char *label, const char *label_value)
{
    begin_host(metrics, metric->name, metric->type, metric->help);
    put(&metrics->host, "%s{%s=\"%s\",%s=\"%s\"} %.15g\n", metric->name,
        metric->label, metric->label_value, label, label_value, metric->value);
}


/*
 * Reports by mail
 */

/* The words of rspamd_plugin/tlsrpt.lua. */
static const char *const mail_statuses[] = {
    "stored", "duplicate", "invalid", "unsigned", "unknown", "nested", "failed"
};


/* The field's number in the hash; 0 where it is not in it. */

static double
hash_number(const tlsrpt_reply_t *reply, const char *name)
{
    for (size_t i = 0; i + 1 < reply->nelements; i += 2) {
        const tlsrpt_reply_t  *field = reply->elements[i];
        const tlsrpt_reply_t  *value = reply->elements[i + 1];

        if (field->type == TLSRPT_REPLY_STRING
            && value->type == TLSRPT_REPLY_STRING
            && field->len == strlen(name)
            && memcmp(field->str, name, field->len) == 0
            && is_number(value))
        {
            return strtod(value->str, NULL);
        }
    }

    return 0;
}


void
tlsrpt_metrics_mail(tlsrpt_metrics_t *metrics, const tlsrpt_reply_t *reply)
{
    tlsrpt_metric_t  metric = {
        "tlsrpt_mail_reports_total",
        "Reports that came by mail, by what became of them.",
        "counter", "status", NULL, 0
    };

    if (reply->type != TLSRPT_REPLY_ARRAY) {
        return;
    }

    for (size_t i = 0; i < sizeof(mail_statuses) / sizeof(*mail_statuses);
         i++)
    {
        metric.label_value = mail_statuses[i];
        metric.value = hash_number(reply, mail_statuses[i]);
        tlsrpt_metrics_host(metrics, &metric);
    }
}


/*
 * Alerts
 */

/* The words of rspamd_plugin/lualib/tlsrpt/alert_queue.lua. */
static const char *const alert_kinds[] = { "mail", "webhook" };
static const char *const alert_results[] = {
    "delivered", "failed", "given-up"
};

#define NKINDS    (sizeof(alert_kinds) / sizeof(*alert_kinds))
#define NRESULTS  (sizeof(alert_results) / sizeof(*alert_results))


static void
put_deliveries(tlsrpt_metrics_t *metrics, const tlsrpt_reply_t *reply)
{
    static const char  name[] = "tlsrpt_alert_deliveries_total";

    char  field[32];

    begin_host(metrics, name, "counter",
               "Attempts to deliver alerts, by what became of them.");

    for (size_t i = 0; i < NKINDS * NRESULTS; i++) {
        const char  *kind = alert_kinds[i / NRESULTS];
        const char  *result = alert_results[i % NRESULTS];

        snprintf(field, sizeof(field), "%s:%s", kind, result);
        put(&metrics->host, "%s{kind=\"%s\",result=\"%s\"} %.15g\n", name,
            kind, result, hash_number(reply, field));
    }
}


/* From a time in the hash until now; 0 where there is none. */

static double
hash_age(const tlsrpt_reply_t *reply, const char *field, int64_t now)
{
    double  since = hash_number(reply, field);

    return since > 0 && since < (double) now ? (double) now - since : 0;
}


void
tlsrpt_metrics_alerts(tlsrpt_metrics_t *metrics, const tlsrpt_reply_t *reply,
    int64_t now)
{
    char             field[32];
    tlsrpt_metric_t  oldest = {
        "tlsrpt_alert_oldest_waiting_seconds",
        "How long the oldest alert that is not delivered waits.",
        "gauge", "kind", NULL, 0
    };
    tlsrpt_metric_t  lease = {
        "tlsrpt_lease_age_seconds",
        "Since when no rspamd was at work on alerts.", "gauge", NULL, NULL, 0
    };

    if (reply->type != TLSRPT_REPLY_ARRAY || reply->nelements == 0) {
        return;
    }

    put_deliveries(metrics, reply);

    for (size_t i = 0; i < NKINDS; i++) {
        snprintf(field, sizeof(field), "oldest:%s", alert_kinds[i]);
        oldest.label_value = alert_kinds[i];
        oldest.value = hash_age(reply, field, now);
        tlsrpt_metrics_host(metrics, &oldest);
    }

    lease.value = hash_age(reply, "renewed", now);
    tlsrpt_metrics_host(metrics, &lease);
}


tlsrpt_buf_t *
tlsrpt_metrics_part(tlsrpt_metrics_t *metrics, unsigned part)
{
    return part < NFAMILIES ? &metrics->text[part] : &metrics->host;
}


void
tlsrpt_metrics_end(tlsrpt_metrics_t *metrics)
{
    tlsrpt_buf_add(&metrics->host, "# EOF\n", 6);
}


char *
tlsrpt_metrics_text(tlsrpt_metrics_t *metrics, size_t *len)
{
    tlsrpt_buf_t  all = { NULL, 0, 0, 0 };

    tlsrpt_metrics_end(metrics);

    for (unsigned i = 0; i < TLSRPT_METRICS_PARTS; i++) {
        const tlsrpt_buf_t  *text = tlsrpt_metrics_part(metrics, i);

        tlsrpt_buf_add(&all, text->data, text->len);
        all.failed |= text->failed;
    }

    if (all.failed) {
        free(all.data);
        return NULL;
    }

    *len = all.len;
    return all.data;
}
