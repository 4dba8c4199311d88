/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "tlsrpt_count.h"
#include "tlsrpt_day_scan.h"
#include "tlsrpt_group.h"
#include "tlsrpt_packed.h"
#include "tlsrpt_query.h"
#include "tlsrpt_result.h"
#include "tlsrpt_stats.h"
#include "tlsrpt_stats_print.h"
#include "tlsrpt_strings.h"
#include "tlsrpt_tally.h"


/* A filter on an address compares bytes, as packed reports hold them. */

static tlsrpt_value_t
ip_filter(const char *text, size_t len, char buf[16])
{
    tlsrpt_value_t  v = tlsrpt_value_of(text, len);

    if (inet_pton(AF_INET, text, buf) == 1) {
        v.len = 4;

    } else if (inet_pton(AF_INET6, text, buf) == 1) {
        v.len = 16;

    } else {
        return v;
    }

    v.data = buf;
    v.kind = TLSRPT_VALUE_IP;

    return v;
}


static void
set_filters(tlsrpt_stats_t *stats)
{
    const tlsrpt_query_t  *q = &stats->query;

    for (unsigned i = 0; i < TLSRPT_NDIMENSIONS; i++) {
        if (q->filter_len[i] == 0) {
            stats->filter[i] = tlsrpt_value_of(NULL, 0);

        } else if (i == TLSRPT_BY_SENDING_IP || i == TLSRPT_BY_RECEIVING_IP) {
            stats->filter[i] = ip_filter(q->filter[i], q->filter_len[i],
                                 stats->filter_ip[i == TLSRPT_BY_RECEIVING_IP]);

        } else {
            stats->filter[i] = tlsrpt_value_of(q->filter[i],
                                               q->filter_len[i]);
        }
    }
}


tlsrpt_stats_t *
tlsrpt_stats_create(const tlsrpt_query_t *query, tlsrpt_str_t domain,
    tlsrpt_str_t prefix)
{
    tlsrpt_stats_t  *stats = calloc(1, sizeof(*stats));

    if (stats == NULL) {
        return NULL;
    }

    if (tlsrpt_day_scan_init(&stats->scan, query, domain, prefix) != 0) {
        free(stats);
        return NULL;
    }

    stats->query = *query;
    stats->detailed = tlsrpt_query_is_detailed(query);
    stats->typed = tlsrpt_query_is_typed(query);
    stats->by_details = query->filtered >> TLSRPT_BY_DETAIL != 0;
    stats->groups.nby = query->nby;
    stats->groups.by = stats->query.by;
    stats->logged = calloc(stats->scan.ndays, sizeof(*stats->logged));
    stats->read = calloc(stats->scan.ndays, 1);

    if (!stats->logged || !stats->read) {
        tlsrpt_stats_destroy(stats);
        return NULL;
    }

    set_filters(stats);
    return stats;
}


void
tlsrpt_stats_destroy(tlsrpt_stats_t *stats)
{
    if (stats == NULL) {
        return;
    }

    tlsrpt_order_destroy(stats->order);
    tlsrpt_groups_free(&stats->groups);
    tlsrpt_day_scan_free(&stats->scan);
    free(stats->logged);
    free(stats->read);
    free(stats);
}


const tlsrpt_command_t *
tlsrpt_stats_next(tlsrpt_stats_t *stats, size_t *n)
{
    return tlsrpt_day_scan_next(&stats->scan, n);
}


/*
 * Replies
 */

static int
matches(const tlsrpt_stats_t *stats, unsigned dimension, tlsrpt_value_t value)
{
    return !(stats->query.filtered & 1u << dimension)
           || tlsrpt_value_equal(stats->filter[dimension], value);
}


static int
add_group(tlsrpt_stats_t *stats, const tlsrpt_value_t *values,
    uint64_t reports, uint64_t successful, uint64_t failed)
{
    tlsrpt_group_t  *g;

    if (stats->query.nby == 0) {
        return TLSRPT_OK;
    }

    g = tlsrpt_groups_find(&stats->groups, values);

    if (g == NULL) {
        return TLSRPT_ERR_MEMORY;
    }

    g->reports = tlsrpt_count_add(g->reports, reports);
    g->successful = tlsrpt_count_add(g->successful, successful);
    g->failed = tlsrpt_count_add(g->failed, failed);

    return TLSRPT_OK;
}


static void
add_total(tlsrpt_stats_t *stats, uint64_t reports, uint64_t successful,
    uint64_t failed)
{
    stats->reports = tlsrpt_count_add(stats->reports, reports);
    stats->successful = tlsrpt_count_add(stats->successful, successful);
    stats->failed = tlsrpt_count_add(stats->failed, failed);
}


/* Each policy type of a packed report by itself. */

static int
count_types(tlsrpt_stats_t *stats, tlsrpt_value_t *values)
{
    int                     rc = TLSRPT_OK;
    unsigned                any = 0;
    const tlsrpt_packed_t  *r = &stats->packed;

    for (size_t i = 0; rc == TLSRPT_OK && i < r->ntypes; i++) {
        const tlsrpt_packed_type_t  *t = &r->types[i];

        if (!matches(stats, TLSRPT_BY_POLICY_TYPE, t->policy_type)) {
            continue;
        }

        any = 1;

        if (stats->query.filtered & 1u << TLSRPT_BY_POLICY_TYPE) {
            add_total(stats, 0, t->successful, t->failed);
        }

        if (!stats->detailed) {
            values[TLSRPT_BY_POLICY_TYPE] = t->policy_type;
            rc = add_group(stats, values, 1, t->successful, t->failed);
        }
    }

    if (!(stats->query.filtered & 1u << TLSRPT_BY_POLICY_TYPE)) {
        add_total(stats, 1, r->successful, r->failed);

    } else {
        add_total(stats, any, 0, 0);
    }

    return rc;
}


static int
count_sessions(tlsrpt_stats_t *stats, tlsrpt_value_t *values)
{
    const tlsrpt_packed_t  *r = &stats->packed;

    if (stats->typed) {
        return count_types(stats, values);
    }

    add_total(stats, 1, r->successful, r->failed);

    return stats->detailed ? TLSRPT_OK
           : add_group(stats, values, 1, r->successful, r->failed);
}


static int
add_row(tlsrpt_stats_t *stats, const tlsrpt_value_t *values, uint64_t failed)
{
    for (unsigned i = TLSRPT_BY_POLICY_TYPE; i < TLSRPT_NDIMENSIONS; i++) {
        if (!matches(stats, i, values[i])) {
            return TLSRPT_OK;
        }
    }

    stats->row_matched = 1;

    return add_group(stats, values, 0, 0, failed);
}


static void
set_overflow(tlsrpt_value_t *values, unsigned first)
{
    for (unsigned i = first; i < TLSRPT_NDIMENSIONS; i++) {
        values[i] = tlsrpt_value_of(TLSRPT_OVERFLOW,
                                    sizeof(TLSRPT_OVERFLOW) - 1);
    }
}


static int
count_rows(tlsrpt_stats_t *stats, tlsrpt_value_t *values)
{
    int              rc;
    tlsrpt_row_t     row;
    tlsrpt_value_t   via = values[TLSRPT_BY_VIA];
    tlsrpt_packed_t *r = &stats->packed;

    while (tlsrpt_packed_row(r, &row)) {
        values[TLSRPT_BY_POLICY_TYPE] = r->types[row.type].policy_type;
        values[TLSRPT_BY_RESULT_TYPE] = row.result_type;
        values[TLSRPT_BY_SENDING_IP] = row.sending_mta_ip;
        values[TLSRPT_BY_MX] = row.receiving_mx_hostname;
        values[TLSRPT_BY_RECEIVING_IP] = row.receiving_ip;
        values[TLSRPT_BY_REASON] = row.failure_reason_code;

        rc = add_row(stats, values, row.failed);

        if (rc != TLSRPT_OK) {
            return rc;
        }
    }

    if (r->overflow == 0) {
        return TLSRPT_OK;
    }

    set_overflow(values, TLSRPT_BY_POLICY_TYPE);
    values[TLSRPT_BY_VIA] = via;

    return add_row(stats, values, r->overflow);
}


static tlsrpt_value_t
via_value(unsigned via)
{
    return via == TLSRPT_VIA_MAIL ? tlsrpt_value_of("mail", 4)
                                  : tlsrpt_value_of("https", 5);
}


static int
count_packed(tlsrpt_stats_t *stats, tlsrpt_value_t *values)
{
    int                     rc;
    const tlsrpt_packed_t  *r = &stats->packed;

    values[TLSRPT_BY_ORGANIZATION] = r->organization;
    values[TLSRPT_BY_VIA] = via_value(r->via);

    if (!matches(stats, TLSRPT_BY_ORGANIZATION, r->organization)
        || !matches(stats, TLSRPT_BY_VIA, values[TLSRPT_BY_VIA]))
    {
        return TLSRPT_OK;
    }

    rc = count_sessions(stats, values);

    if (rc != TLSRPT_OK || !stats->detailed) {
        return rc;
    }

    stats->row_matched = 0;
    rc = count_rows(stats, values);

    if (stats->row_matched) {
        stats->matched++;

    } else if (r->overflow) {
        stats->unsure = 1;
    }

    return rc;
}


static int
count_log(tlsrpt_stats_t *stats, size_t day, tlsrpt_str_t log)
{
    int               rc = TLSRPT_OK;
    char              text[TLSRPT_DAY_TEXT_LEN + 1];
    tlsrpt_value_t    values[TLSRPT_NDIMENSIONS];
    tlsrpt_packed_t  *r = &stats->packed;
    tlsrpt_totals_t  *sum = &stats->logged[day];

    stats->read[day] = 1;
    tlsrpt_day_text(stats->query.from + (int32_t) day, text);
    values[TLSRPT_BY_DAY] = tlsrpt_value_of(text, TLSRPT_DAY_TEXT_LEN);
    tlsrpt_packed_begin(r, stats->scan.domain, log.data, log.len);

    while (rc == TLSRPT_OK && tlsrpt_packed_next(r)) {
        sum->reports = tlsrpt_count_add(sum->reports, 1);
        sum->successful = tlsrpt_count_add(sum->successful, r->successful);
        sum->failed = tlsrpt_count_add(sum->failed, r->failed);

        if (matches(stats, TLSRPT_BY_DAY, values[TLSRPT_BY_DAY])) {
            rc = count_packed(stats, values);
        }
    }

    return rc;
}


int
tlsrpt_stats_add(tlsrpt_stats_t *stats, size_t n, const tlsrpt_reply_t *reply)
{
    int           rc = TLSRPT_OK;
    size_t        day;
    tlsrpt_str_t  log;

    if (tlsrpt_day_scan_add(&stats->scan, n, reply) != 0) {
        return TLSRPT_ERR_MEMORY;
    }

    while (rc == TLSRPT_OK && tlsrpt_day_scan_log(&stats->scan, &day, &log)) {
        rc = count_log(stats, day, log);
    }

    return rc;
}


int
tlsrpt_stats_seen(const tlsrpt_stats_t *stats)
{
    return stats->scan.seen;
}


int
tlsrpt_stats_due(const tlsrpt_stats_t *stats)
{
    return stats->scan.due;
}


/*
 * The overflow
 */

static uint64_t
over(uint64_t total, uint64_t part)
{
    return total > part ? total - part : 0;
}


static int
count_overflow(tlsrpt_stats_t *stats, size_t day)
{
    int                     rc = TLSRPT_OK;
    char                    text[TLSRPT_DAY_TEXT_LEN + 1];
    uint64_t                reports, successful, failed;
    tlsrpt_value_t          values[TLSRPT_NDIMENSIONS];
    const tlsrpt_totals_t  *all = &stats->scan.days[day];
    const tlsrpt_totals_t  *sum = &stats->logged[day];

    reports = over(all->reports, sum->reports);
    successful = over(all->successful, sum->successful);
    failed = over(all->failed, sum->failed);

    tlsrpt_day_text(stats->query.from + (int32_t) day, text);
    set_overflow(values, 0);
    values[TLSRPT_BY_DAY] = tlsrpt_value_of(text, TLSRPT_DAY_TEXT_LEN);

    for (unsigned i = 0; i < TLSRPT_BY_DETAIL; i++) {
        if (!matches(stats, i, values[i])) {
            return TLSRPT_OK;
        }
    }

    add_total(stats, reports, successful, failed);

    if (!stats->detailed) {
        rc = add_group(stats, values, reports, successful, failed);

    } else if (all->overflow) {
        rc = add_row(stats, values, all->overflow);
        stats->unsure = 1;
    }

    return rc;
}


static int
finish(tlsrpt_stats_t *stats)
{
    int  rc = TLSRPT_OK;

    for (size_t i = 0; !stats->finished && i < stats->scan.ndays; i++) {
        if (stats->read[i] && rc == TLSRPT_OK
            && stats->scan.days[i].reports > stats->logged[i].reports)
        {
            rc = count_overflow(stats, i);
        }
    }

    stats->finished = 1;
    return rc;
}


/*
 * In pieces
 */

#define PIECE  256                          /* groups */

/* 0: that was the last one. */

static int
write_group(tlsrpt_stats_t *stats, tlsrpt_buf_t *out)
{
    const tlsrpt_group_t  *group = tlsrpt_order_next(stats->order);

    if (group == NULL) {
        tlsrpt_stats_print_end(stats, out);
        return 0;
    }

    tlsrpt_stats_print_group(stats, out, group);
    stats->nwritten++;
    return 1;
}


static int
write_groups(tlsrpt_stats_t *stats, tlsrpt_buf_t *out)
{
    int  rc = 1;

    for (int i = 0; rc > 0 && i < PIECE; i++) {
        rc = write_group(stats, out);
    }

    return out->failed ? -1 : rc;
}


int
tlsrpt_stats_write(tlsrpt_stats_t *stats, int is_csv, tlsrpt_buf_t *out)
{
    int  rc;

    if (stats->order == NULL) {
        stats->is_csv = is_csv;

        if (finish(stats) != TLSRPT_OK) {
            return -1;
        }

        stats->order = tlsrpt_order_create(&stats->groups);
        return stats->order != NULL ? 1 : -1;
    }

    if (stats->sorted) {
        return write_groups(stats, out);
    }

    rc = tlsrpt_order_sort(stats->order);

    if (rc == 0) {
        stats->sorted = 1;
        tlsrpt_stats_print_head(stats, out);
    }

    return rc < 0 ? -1 : 1;
}


static char *
whole(tlsrpt_stats_t *stats, int is_csv, size_t *len)
{
    int           rc;
    tlsrpt_buf_t  out = { NULL, 0, 0, 0 };

    do {
        rc = tlsrpt_stats_write(stats, is_csv, &out);
    } while (rc > 0);

    if (rc < 0) {
        free(out.data);
        return NULL;
    }

    *len = out.len;
    return out.data;
}


json_t *
tlsrpt_stats_json(tlsrpt_stats_t *stats)
{
    size_t   len = 0;
    char    *text = whole(stats, 0, &len);
    json_t  *json = text != NULL ? json_loadb(text, len, 0, NULL) : NULL;

    free(text);
    return json;
}


char *
tlsrpt_stats_csv(tlsrpt_stats_t *stats, size_t *len)
{
    return whole(stats, 1, len);
}
