/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "tlsrpt_count.h"
#include "tlsrpt_fold.h"
#include "tlsrpt_group.h"
#include "tlsrpt_query.h"
#include "tlsrpt_range.h"
#include "tlsrpt_record.h"
#include "tlsrpt_result.h"
#include "tlsrpt_stats.h"
#include "tlsrpt_strings.h"


/*
 * What a day's totals tell over its cell's records is the overflow: it had no
 * place in the cell.
 */

struct tlsrpt_stats {
    tlsrpt_query_t        query;
    tlsrpt_range_t        range;
    int                   detailed;
    int                   typed;

    tlsrpt_day_totals_t  *cells;            /* of each day, its records' */
    unsigned char        *read;             /* was there a cell? */

    uint64_t              reports;          /* of the whole answer */
    uint64_t              successful;
    uint64_t              failure;
    tlsrpt_groups_t       groups;
    int                   finished;

    int                   is_csv;
    tlsrpt_order_t       *order;            /* NULL before the first piece */
    int                   sorted;
    size_t                nwritten;         /* groups */

    tlsrpt_value_t        filter[TLSRPT_NDIMENSIONS];
    char                  filter_ip[2][16];
    tlsrpt_record_t       record;
};


/* A filter on an address compares bytes, as records hold them. */

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

    if (tlsrpt_range_init(&stats->range, query, domain, prefix) != 0) {
        free(stats);
        return NULL;
    }

    stats->query = *query;
    stats->detailed = tlsrpt_query_is_detailed(query);
    stats->typed = tlsrpt_query_is_typed(query);
    stats->groups.nby = query->nby;
    stats->groups.by = stats->query.by;
    stats->cells = calloc(stats->range.ndays, sizeof(*stats->cells));
    stats->read = calloc(stats->range.ndays, 1);

    if (!stats->cells || !stats->read) {
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
    tlsrpt_range_free(&stats->range);
    free(stats->cells);
    free(stats->read);
    free(stats);
}


const tlsrpt_command_t *
tlsrpt_stats_next(tlsrpt_stats_t *stats, size_t *n)
{
    return tlsrpt_range_next(&stats->range, n);
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
    uint64_t reports, uint64_t successful, uint64_t failure)
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
    g->failure = tlsrpt_count_add(g->failure, failure);

    return TLSRPT_OK;
}


static void
add_total(tlsrpt_stats_t *stats, uint64_t reports, uint64_t successful,
    uint64_t failure)
{
    stats->reports = tlsrpt_count_add(stats->reports, reports);
    stats->successful = tlsrpt_count_add(stats->successful, successful);
    stats->failure = tlsrpt_count_add(stats->failure, failure);
}


/* Each policy type of a record by itself. */

static int
fold_types(tlsrpt_stats_t *stats, tlsrpt_value_t *values)
{
    int                     rc = TLSRPT_OK;
    unsigned                any = 0;
    const tlsrpt_record_t  *r = &stats->record;

    for (size_t i = 0; rc == TLSRPT_OK && i < r->ntypes; i++) {
        const tlsrpt_record_type_t  *t = &r->types[i];

        if (!matches(stats, TLSRPT_BY_POLICY_TYPE, t->policy_type)) {
            continue;
        }

        any = 1;

        if (stats->query.filtered & 1u << TLSRPT_BY_POLICY_TYPE) {
            add_total(stats, 0, t->successful, t->failure);
        }

        if (!stats->detailed) {
            values[TLSRPT_BY_POLICY_TYPE] = t->policy_type;
            rc = add_group(stats, values, 1, t->successful, t->failure);
        }
    }

    if (!(stats->query.filtered & 1u << TLSRPT_BY_POLICY_TYPE)) {
        add_total(stats, 1, r->successful, r->failure);

    } else {
        add_total(stats, any, 0, 0);
    }

    return rc;
}


static int
fold_sessions(tlsrpt_stats_t *stats, tlsrpt_value_t *values)
{
    const tlsrpt_record_t  *r = &stats->record;

    if (stats->typed) {
        return fold_types(stats, values);
    }

    add_total(stats, 1, r->successful, r->failure);

    return stats->detailed ? TLSRPT_OK
           : add_group(stats, values, 1, r->successful, r->failure);
}


static int
add_row(tlsrpt_stats_t *stats, const tlsrpt_value_t *values, uint64_t failed)
{
    for (unsigned i = TLSRPT_BY_POLICY_TYPE; i < TLSRPT_NDIMENSIONS; i++) {
        if (!matches(stats, i, values[i])) {
            return TLSRPT_OK;
        }
    }

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
fold_rows(tlsrpt_stats_t *stats, tlsrpt_value_t *values)
{
    int              rc;
    tlsrpt_row_t     row;
    tlsrpt_value_t   via = values[TLSRPT_BY_VIA];
    tlsrpt_record_t *r = &stats->record;

    while (tlsrpt_record_row(r, &row)) {
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

    if (r->beyond == 0) {
        return TLSRPT_OK;
    }

    set_overflow(values, TLSRPT_BY_POLICY_TYPE);
    values[TLSRPT_BY_VIA] = via;

    return add_row(stats, values, r->beyond);
}


static tlsrpt_value_t
via_value(unsigned via)
{
    return via == TLSRPT_VIA_MAIL ? tlsrpt_value_of("mail", 4)
                                  : tlsrpt_value_of("https", 5);
}


static int
fold_record(tlsrpt_stats_t *stats, tlsrpt_value_t *values)
{
    int                     rc;
    const tlsrpt_record_t  *r = &stats->record;

    values[TLSRPT_BY_ORGANIZATION] = r->organization;
    values[TLSRPT_BY_VIA] = via_value(r->via);

    if (!matches(stats, TLSRPT_BY_ORGANIZATION, r->organization)
        || !matches(stats, TLSRPT_BY_VIA, values[TLSRPT_BY_VIA]))
    {
        return TLSRPT_OK;
    }

    rc = fold_sessions(stats, values);

    return rc == TLSRPT_OK && stats->detailed ? fold_rows(stats, values) : rc;
}


static int
fold_cell(tlsrpt_stats_t *stats, size_t day, const tlsrpt_reply_t *reply)
{
    int                   rc = TLSRPT_OK;
    char                  text[TLSRPT_DAY_TEXT_LEN + 1];
    tlsrpt_value_t        values[TLSRPT_NDIMENSIONS];
    tlsrpt_record_t      *r = &stats->record;
    tlsrpt_day_totals_t  *sum = &stats->cells[day];

    if (reply->type != TLSRPT_REPLY_STRING) {
        return TLSRPT_OK;
    }

    stats->read[day] = 1;
    tlsrpt_day_text(stats->query.from + (int32_t) day, text);
    values[TLSRPT_BY_DAY] = tlsrpt_value_of(text, TLSRPT_DAY_TEXT_LEN);
    tlsrpt_record_begin(r, stats->range.domain, reply->str, reply->len);

    while (rc == TLSRPT_OK && tlsrpt_record_next(r)) {
        sum->reports = tlsrpt_count_add(sum->reports, 1);
        sum->successful = tlsrpt_count_add(sum->successful, r->successful);
        sum->failure = tlsrpt_count_add(sum->failure, r->failure);

        if (matches(stats, TLSRPT_BY_DAY, values[TLSRPT_BY_DAY])) {
            rc = fold_record(stats, values);
        }
    }

    return rc;
}


int
tlsrpt_stats_add(tlsrpt_stats_t *stats, size_t n, const tlsrpt_reply_t *reply)
{
    int  day = tlsrpt_range_add(&stats->range, n, reply);

    return day < 0 ? TLSRPT_OK : fold_cell(stats, (size_t) day, reply);
}


int
tlsrpt_stats_seen(const tlsrpt_stats_t *stats)
{
    return stats->range.seen;
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
fold_overflow(tlsrpt_stats_t *stats, size_t day)
{
    int                         rc = TLSRPT_OK;
    char                        text[TLSRPT_DAY_TEXT_LEN + 1];
    uint64_t                    reports, successful, failure;
    tlsrpt_value_t              values[TLSRPT_NDIMENSIONS];
    const tlsrpt_day_totals_t  *all = &stats->range.days[day];
    const tlsrpt_day_totals_t  *sum = &stats->cells[day];

    reports = over(all->reports, sum->reports);
    successful = over(all->successful, sum->successful);
    failure = over(all->failure, sum->failure);

    tlsrpt_day_text(stats->query.from + (int32_t) day, text);
    set_overflow(values, 0);
    values[TLSRPT_BY_DAY] = tlsrpt_value_of(text, TLSRPT_DAY_TEXT_LEN);

    for (unsigned i = 0; i < TLSRPT_BY_DETAIL; i++) {
        if (!matches(stats, i, values[i])) {
            return TLSRPT_OK;
        }
    }

    add_total(stats, reports, successful, failure);

    if (!stats->detailed) {
        rc = add_group(stats, values, reports, successful, failure);

    } else if (all->over) {
        rc = add_row(stats, values, all->over);
    }

    return rc;
}


static int
finish(tlsrpt_stats_t *stats)
{
    int  rc = TLSRPT_OK;

    for (size_t i = 0; !stats->finished && i < stats->range.ndays; i++) {
        if (stats->read[i] && rc == TLSRPT_OK
            && stats->range.days[i].reports > stats->cells[i].reports)
        {
            rc = fold_overflow(stats, i);
        }
    }

    stats->finished = 1;
    return rc;
}


/*
 * Answers
 */

static const char *const  counts[] = {
    "reports", "total-successful-session-count", "total-failure-session-count"
};


static json_t *
group_json(const void *ctx, const tlsrpt_group_t *group)
{
    const tlsrpt_stats_t  *stats = ctx;

    int             rc = 0;
    char            buf[TLSRPT_VALUE_LEN];
    json_t         *json = json_object();
    const char     *key = stats->groups.keys.data + group->key;
    const uint64_t  values[] = { group->reports, group->successful,
                                 group->failure };

    for (unsigned i = 0; i < stats->query.nby; i++) {
        tlsrpt_str_t  text;

        text = tlsrpt_value_text(tlsrpt_groups_value(&key), buf);
        rc |= json_object_set_new(json,
                                  tlsrpt_dimension_name(stats->query.by[i]),
                                  tlsrpt_str_json(text));
    }

    if (stats->detailed) {
        rc |= json_object_set_new(json, "failed-session-count",
                                  json_integer((json_int_t) group->failure));
    }

    for (int i = 0; !stats->detailed && i < 3; i++) {
        rc |= json_object_set_new(json, counts[i],
                                  json_integer((json_int_t) values[i]));
    }

    if (rc != 0) {
        json_decref(json);
        return NULL;
    }

    return json;
}


static json_t *
by_json(const tlsrpt_query_t *query)
{
    json_t  *array = json_array();

    for (unsigned i = 0; array && i < query->nby; i++) {
        if (json_array_append_new(array,
                         json_string(tlsrpt_dimension_name(query->by[i])))
            != 0)
        {
            json_decref(array);
            array = NULL;
        }
    }

    return array;
}


/* All but the groups. */

static json_t *
head_json(const tlsrpt_stats_t *stats)
{
    char  from[TLSRPT_DAY_TEXT_LEN + 1], to[TLSRPT_DAY_TEXT_LEN + 1];

    tlsrpt_day_text(stats->query.from, from);
    tlsrpt_day_text(stats->query.to, to);

    return json_pack("{s:s%, s:s, s:s, s:I, s:I, s:I, s:o}",
                     "domain", stats->range.domain.data,
                     stats->range.domain.len,
                     "from", from, "to", to,
                     counts[0], (json_int_t) stats->reports,
                     counts[1], (json_int_t) stats->successful,
                     counts[2], (json_int_t) stats->failure,
                     "by", by_json(&stats->query));
}


/* Takes json, NULL included.  Without its last byte where it is left open. */

static void
put_json(tlsrpt_buf_t *out, json_t *json, int is_open)
{
    char  *text = json_dumps(json, JSON_COMPACT);

    if (text == NULL) {
        out->failed = 1;

    } else {
        tlsrpt_buf_add(out, text, strlen(text) - (is_open ? 1 : 0));
    }

    free(text);
    json_decref(json);
}


/* RFC 4180; and a sender's text must not become a formula where the file is
   opened in a spreadsheet. */

static void
csv_text(tlsrpt_buf_t *buf, tlsrpt_str_t text)
{
    size_t  i;

    if (text.len == 0) {
        return;
    }

    tlsrpt_buf_add(buf, "\"", 1);

    if (memchr("=+-@\t\r", text.data[0], 6) != NULL) {
        tlsrpt_buf_add(buf, "'", 1);
    }

    for (i = 0; i < text.len; i++) {
        tlsrpt_buf_add(buf, &text.data[i], 1);

        if (text.data[i] == '"') {
            tlsrpt_buf_add(buf, "\"", 1);
        }
    }

    tlsrpt_buf_add(buf, "\"", 1);
}


static void
csv_number(tlsrpt_buf_t *buf, uint64_t value)
{
    char  text[24], *p = text + sizeof(text);

    do {
        *--p = (char) ('0' + value % 10);
        value /= 10;
    } while (value);

    tlsrpt_buf_add(buf, p, (size_t) (text + sizeof(text) - p));
}


static void
csv_header(const tlsrpt_stats_t *stats, tlsrpt_buf_t *buf)
{
    const char  *name;

    for (unsigned i = 0; i < stats->query.nby; i++) {
        name = tlsrpt_dimension_name(stats->query.by[i]);
        tlsrpt_buf_add(buf, name, strlen(name));
        tlsrpt_buf_add(buf, ",", 1);
    }

    for (int i = 0; !stats->detailed && i < 3; i++) {
        tlsrpt_buf_add(buf, i ? "," : "", i ? 1 : 0);
        tlsrpt_buf_add(buf, counts[i], strlen(counts[i]));
    }

    if (stats->detailed) {
        tlsrpt_buf_add(buf, "failed-session-count", 20);
    }

    tlsrpt_buf_add(buf, "\r\n", 2);
}


static void
csv_group(const tlsrpt_stats_t *stats, tlsrpt_buf_t *buf,
    const tlsrpt_group_t *group)
{
    char         text[TLSRPT_VALUE_LEN];
    const char  *key = stats->groups.keys.data + group->key;

    for (unsigned i = 0; i < stats->query.nby; i++) {
        csv_text(buf, tlsrpt_value_text(tlsrpt_groups_value(&key), text));
        tlsrpt_buf_add(buf, ",", 1);
    }

    if (!stats->detailed) {
        csv_number(buf, group->reports);
        tlsrpt_buf_add(buf, ",", 1);
        csv_number(buf, group->successful);
        tlsrpt_buf_add(buf, ",", 1);
    }

    csv_number(buf, group->failure);
    tlsrpt_buf_add(buf, "\r\n", 2);
}


/*
 * In pieces
 */

#define PIECE  256                          /* groups */

static void
write_head(const tlsrpt_stats_t *stats, tlsrpt_buf_t *out)
{
    if (stats->is_csv) {
        csv_header(stats, out);

    } else {
        put_json(out, head_json(stats), 1);
        tlsrpt_buf_add(out, ",\"groups\":[", 11);
    }
}


/* 0: that was the last one. */

static int
write_group(tlsrpt_stats_t *stats, tlsrpt_buf_t *out)
{
    const tlsrpt_group_t  *group = tlsrpt_order_next(stats->order);

    if (group == NULL) {
        if (!stats->is_csv) {
            tlsrpt_buf_add(out, "]}", 2);
        }

        return 0;
    }

    if (stats->is_csv) {
        csv_group(stats, out, group);

    } else {
        tlsrpt_buf_add(out, ",", stats->nwritten > 0);
        put_json(out, group_json(stats, group), 0);
    }

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
        write_head(stats, out);
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
