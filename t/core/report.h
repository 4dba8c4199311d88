/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * For tests of what becomes of a report: it is read from a text, ingested, and
 * asked for again, with what Redis would keep in between.
 */

#ifndef T_REPORT_H
#define T_REPORT_H

#include <stdlib.h>
#include <string.h>

#include "overview.h"
#include "tlsrpt_answer.h"
#include "tlsrpt_collect.h"
#include "tlsrpt_time.h"

#define NOW        1768910400               /* 2026-01-20T12:00:00Z */
#define RETENTION  400
#define MAX_SIZE   (10 * 1024 * 1024)

/* Keys and arguments of the script, from 1 on. */
#define NKEYS(command)       ((size_t) atoi((command)->argv[2]))
#define KEY(command, n)      ((command)->argv[(command)->key + (n) - 1])
#define ARG(command, n)      KEY(command, NKEYS(command) + (n))
#define ARG_LEN(command, n)                                                   \
    ((command)->argvlen[(command)->key + NKEYS(command) + (n) - 1])


__attribute__((unused))
static tlsrpt_str_t
str(const char *text)
{
    tlsrpt_str_t  s = { text, text != NULL ? strlen(text) : 0 };

    return s;
}


/* The report, valid until the next one; NULL: see tlsrpt_reader_error. */

__attribute__((unused))
static const tlsrpt_report_t *
read_report(tlsrpt_reader_t *reader, const char *body, size_t len,
    const char *domain)
{
    tlsrpt_reader_conf_t    conf = { .max_size = MAX_SIZE,
                                     .domain = str(domain), .keep_text = 1 };
    const tlsrpt_report_t  *report = NULL;

    tlsrpt_reader_reset(reader, &conf);

    if (tlsrpt_reader_feed(reader, body, len) != TLSRPT_OK
        || tlsrpt_reader_finish(reader, &report) != TLSRPT_OK)
    {
        return NULL;
    }

    return report;
}


__attribute__((unused))
static tlsrpt_command_t *
ingest(const tlsrpt_report_t *report, unsigned domain)
{
    tlsrpt_ingest_t  conf = { .prefix = str("t"), .now = NOW,
                              .retention_days = RETENTION, .report_days = 30 };

    return tlsrpt_ingest_command(report, domain, &conf);
}


/*
 * What Redis keeps of one domain and day.
 */

typedef struct {
    char           *day_log;
    size_t          len;
    char            day[3];                 /* of the month */
    char            totals[96];             /* of the day, in words */
} kept_t;

__attribute__((unused))
static void
keep(kept_t *kept, const char *day_log, size_t len)
{
    kept->day_log = realloc(kept->day_log, kept->len + len);

    if (kept->day_log == NULL) {
        abort();
    }

    memcpy(kept->day_log + kept->len, day_log, len);
    kept->len += len;
}


/* The totals of a month: each day has a report, the one that is kept has its
   own totals. */

__attribute__((unused))
static tlsrpt_reply_t *
month(const kept_t *kept)
{
    static char            names[31][3], usual[TOTALS_SIZE], own[TOTALS_SIZE];
    static tlsrpt_reply_t  array, strings[62], *elements[62];
    const size_t           len = put_totals(usual, "1 0 0 0");

    array.type = TLSRPT_REPLY_ARRAY;
    array.elements = elements;
    array.nelements = 62;

    for (int i = 0; i < 62; i++) {
        elements[i] = &strings[i];
        strings[i].type = TLSRPT_REPLY_STRING;
        strings[i].str = usual;
        strings[i].len = len;
    }

    for (int i = 0; i < 31; i++) {
        names[i][0] = (char) ('0' + (i + 1) / 10);
        names[i][1] = (char) ('0' + (i + 1) % 10);
        strings[2 * i].str = names[i];
        strings[2 * i].len = 2;

        if (kept->totals[0] && memcmp(names[i], kept->day, 2) == 0) {
            strings[2 * i + 1].str = own;
            strings[2 * i + 1].len = put_totals(own, kept->totals);
        }
    }

    return &array;
}


__attribute__((unused))
static void
ask(tlsrpt_stats_t *stats, const kept_t *kept)
{
    size_t                   n;
    char                     all[TOTALS_SIZE];
    const tlsrpt_command_t  *c;
    tlsrpt_reply_t           nil = { TLSRPT_REPLY_NIL, 0, NULL, 0, 0, NULL };
    tlsrpt_reply_t           string = nil, *reply;

    string.type = TLSRPT_REPLY_STRING;

    while ((c = tlsrpt_stats_next(stats, &n)) != NULL) {
        reply = &string;

        if (strcmp(verb_of(c), "HGETALL") == 0) {
            reply = month(kept);

        } else if (strcmp(verb_of(c), "HGET") == 0) {
            string.str = all;
            string.len = put_totals(all, "1 0 0 1");

        } else if (kept->day_log == NULL) {
            reply = &nil;

        } else {
            string.str = kept->day_log;
            string.len = kept->len;
        }

        if (tlsrpt_stats_add(stats, n, beside(c, reply)) != TLSRPT_OK) {
            abort();
        }
    }
}


/* A question: "by=day,via&via=mail", nothing escaped. */

__attribute__((unused))
static tlsrpt_stats_t *
question_of(tlsrpt_str_t domain, const char *params, int32_t from, int32_t to)
{
    tlsrpt_query_t   query;
    tlsrpt_error_t   error;

    tlsrpt_query_init(&query, NOW);
    query.from = from;
    query.to = to;

    while (*params) {
        size_t        n = strcspn(params, "=");
        tlsrpt_str_t  name = { params, n }, value;

        params += n + 1;
        value.data = params;
        value.len = strcspn(params, "&");
        params += value.len + (params[value.len] == '&');

        if (tlsrpt_query_param(&query, name, value, &error) != TLSRPT_OK) {
            abort();
        }
    }

    return tlsrpt_stats_create(&query, domain, str("t"));
}


__attribute__((unused))
static tlsrpt_stats_t *
question(const char *params, int32_t from, int32_t to)
{
    return question_of(str("example.com"), params, from, to);
}


__attribute__((unused))
static json_t *
answer(tlsrpt_str_t domain, const char *params, const kept_t *kept,
    int32_t day)
{
    json_t          *json;
    tlsrpt_stats_t  *stats = question_of(domain, params, day, day);

    ask(stats, kept);
    json = tlsrpt_stats_json(stats);
    tlsrpt_stats_destroy(stats);

    if (json == NULL) {
        abort();
    }

    return json;
}

#endif /* T_REPORT_H */
