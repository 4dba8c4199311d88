/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The reports of t/corpus/report, a folder a case: the body as it comes, and
 * what is to become of it; each fed whole, and byte by byte.
 */

#define _POSIX_C_SOURCE 200809L

#include "tap.h"
#include "report.h"

#include <dirent.h>

#define CORPUS  "t/corpus/report"
#define KEYS    "day,organization-name,policy-type,via,result-type,"          \
                "sending-mta-ip,receiving-mx-hostname,receiving-ip,"          \
                "failure-reason-code"

static tlsrpt_reader_t  *reader;
static char              body[2 * 1024 * 1024];
static size_t            body_len;


static int
read_file(const char *dir, const char *name)
{
    char   path[512];
    FILE  *f;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    f = fopen(path, "rb");

    if (f == NULL) {
        return -1;
    }

    body_len = fread(body, 1, sizeof(body) - 1, f);
    body[body_len] = '\0';

    return fclose(f);
}


static json_t *
error_json(const tlsrpt_error_t *e)
{
    return json_pack("{s:i, s:s, s:s, s:I, s:I, s:I, s:s}",
                     "status", (int) tlsrpt_error_status(e->code),
                     "text", tlsrpt_error_text(e->code), "path", e->path,
                     "line", (json_int_t) e->line,
                     "column", (json_int_t) e->column,
                     "offset", (json_int_t) e->offset, "detail", e->detail);
}


static const tlsrpt_report_t *
read_bytes(const char *domain)
{
    tlsrpt_reader_conf_t    conf = { .max_size = MAX_SIZE,
                                     .domain = str(domain) };
    const tlsrpt_report_t  *report = NULL;

    tlsrpt_reader_reset(reader, &conf);

    for (size_t i = 0; i < body_len; i++) {
        if (tlsrpt_reader_feed(reader, body + i, 1) != TLSRPT_OK) {
            return NULL;
        }
    }

    return tlsrpt_reader_finish(reader, &report) == TLSRPT_OK ? report : NULL;
}


static json_t *
domain_json(const tlsrpt_report_t *report, unsigned domain)
{
    json_t            *all, *types, *result;
    kept_t             kept = { NULL, 0, "", "" };
    tlsrpt_command_t  *c = ingest(report, domain);

    keep(&kept, ARG(c, 1), ARG_LEN(c, 1));
    snprintf(kept.day, sizeof(kept.day), "%.2s", ARG(c, 4));
    snprintf(kept.totals, sizeof(kept.totals), "1 %.20s %.20s 0", ARG(c, 5),
             ARG(c, 6));

    all = answer(report->domains[domain], "by=" KEYS, &kept, report->day);
    types = answer(report->domains[domain], "by=policy-type", &kept,
                   report->day);
    result = json_pack("{s:O, s:O, s:O, s:O, s:O}",
        "reports", json_object_get(all, "reports"),
        "total-successful-session-count",
        json_object_get(all, "total-successful-session-count"),
        "total-failure-session-count",
        json_object_get(all, "total-failure-session-count"),
        "groups", json_object_get(all, "groups"),
        "by-policy-type", json_object_get(types, "groups"));

    json_decref(all);
    json_decref(types);
    free(kept.day_log);
    tlsrpt_command_destroy(c);

    return result;
}


/* What came of the body. */

static json_t *
outcome(const tlsrpt_report_t *report)
{
    json_t          *domains;
    tlsrpt_error_t   error;

    if (report == NULL) {
        return error_json(tlsrpt_reader_error(reader));
    }

    if (tlsrpt_report_check_range(report, NOW, RETENTION, &error)
        != TLSRPT_OK)
    {
        return error_json(&error);
    }

    domains = json_object();

    for (unsigned i = 0; i < report->ndomains; i++) {
        json_object_set_new(domains, report->domains[i].data,
                            domain_json(report, i));
    }

    return json_pack("{s:o, s:o}", "warnings",
                     tlsrpt_report_warnings_json(report), "domains", domains);
}


static void
compare(json_t *got, const json_t *expected, const char *name)
{
    char  *text;

    if (!ok(got != NULL && json_equal(got, (json_t *) expected), "%s", name)) {
        text = json_dumps(got, JSON_INDENT(1) | JSON_SORT_KEYS);
        tap_show(" got", text);
        free(text);
        text = json_dumps(expected, JSON_INDENT(1) | JSON_SORT_KEYS);
        tap_show("want", text);
        free(text);
    }

    json_decref(got);
}


/* How far zlib has read when it finds out depends on the split. */

static void
pass_over_offset(json_t *got, const json_t *expected)
{
    if (json_integer_value(json_object_get(expected, "line")) == 0
        && json_object_get(got, "offset") != NULL)
    {
        json_object_set(got, "offset", json_object_get(expected, "offset"));
    }
}


static void
try_case(const char *kind, const char *name)
{
    char           dir[256], domain[512];
    json_t        *expected, *got;
    json_error_t   error;

    snprintf(dir, sizeof(dir), CORPUS "/%.20s/%.200s", kind, name);

    if (read_file(dir, "expected.json") != 0
        || (expected = json_loadb(body, body_len, 0, &error)) == NULL)
    {
        ok(0, "%s: expected.json", dir);
        return;
    }

    domain[0] = '\0';

    if (read_file(dir, "domain") == 0) {
        snprintf(domain, sizeof(domain), "%.*s", (int) strcspn(body, "\n"),
                 body);
    }

    if (read_file(dir, "report.json") != 0) {
        ok(read_file(dir, "report.bin") == 0, "%s: the report", dir);
    }

    compare(outcome(read_report(reader, body, body_len,
                                domain[0] ? domain : NULL)),
            expected, dir);

    snprintf(dir, sizeof(dir), "%.20s/%.200s, byte by byte", kind, name);
    got = outcome(read_bytes(domain[0] ? domain : NULL));
    pass_over_offset(got, expected);
    compare(got, expected, dir);
    json_decref(expected);
}


static int
is_case(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}


static void
try_folder(const char *kind)
{
    int              n;
    char             path[64];
    struct dirent  **names;

    snprintf(path, sizeof(path), CORPUS "/%.20s", kind);
    n = scandir(path, &names, is_case, alphasort);
    ok(n > 20, "%s: %d cases", path, n);

    for (int i = 0; i < n; i++) {
        try_case(kind, names[i]->d_name);
        free(names[i]);
    }

    free(n >= 0 ? names : NULL);
}


int
main(void)
{
    reader = tlsrpt_reader_create();

    try_folder("valid");
    try_folder("invalid");
    tlsrpt_reader_destroy(reader);

    return done();
}
