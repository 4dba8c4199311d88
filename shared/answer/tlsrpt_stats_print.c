/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include "tlsrpt_csv.h"
#include "tlsrpt_stats_print.h"
#include "tlsrpt_time.h"


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
                                 group->failed };

    for (unsigned i = 0; i < stats->query.nby; i++) {
        tlsrpt_str_t  text;

        text = tlsrpt_value_text(tlsrpt_groups_value(&key), buf);
        rc |= json_object_set_new(json,
                                  tlsrpt_dimension_name(stats->query.by[i]),
                                  tlsrpt_str_json(text));
    }

    if (stats->detailed) {
        rc |= json_object_set_new(json, "failed-session-count",
                                  json_integer((json_int_t) group->failed));
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


/* The totals.  Those that cannot be filtered by what details say are null: of
   the sessions none, of the reports all but those with details that are not
   kept. */

static json_t *
total_json(const tlsrpt_stats_t *stats, uint64_t total, int is_known)
{
    return stats->by_details && !is_known ? json_null()
                                          : json_integer((json_int_t) total);
}


/* All but the groups. */

static json_t *
head_json(const tlsrpt_stats_t *stats)
{
    char  from[TLSRPT_DAY_TEXT_LEN + 1], to[TLSRPT_DAY_TEXT_LEN + 1];

    tlsrpt_day_text(stats->query.from, from);
    tlsrpt_day_text(stats->query.to, to);

    return json_pack("{s:s%, s:s, s:s, s:o, s:o, s:o, s:o}",
                     "domain", stats->scan.domain.data,
                     stats->scan.domain.len,
                     "from", from, "to", to,
                     counts[0], total_json(stats, stats->by_details
                                                  ? stats->matched
                                                  : stats->reports,
                                           !stats->unsure),
                     counts[1], total_json(stats, stats->successful, 0),
                     counts[2], total_json(stats, stats->failed, 0),
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


static void
csv_header(const tlsrpt_stats_t *stats, tlsrpt_buf_t *out)
{
    size_t       n = stats->query.nby;
    const char  *names[TLSRPT_NDIMENSIONS + 3];

    for (unsigned i = 0; i < stats->query.nby; i++) {
        names[i] = tlsrpt_dimension_name(stats->query.by[i]);
    }

    for (int i = 0; !stats->detailed && i < 3; i++) {
        names[n++] = counts[i];
    }

    if (stats->detailed) {
        names[n++] = "failed-session-count";
    }

    tlsrpt_csv_head(out, names, n);
}


static void
csv_group(const tlsrpt_stats_t *stats, tlsrpt_buf_t *out,
    const tlsrpt_group_t *group)
{
    char         text[TLSRPT_VALUE_LEN];
    const char  *key = stats->groups.keys.data + group->key;

    for (unsigned i = 0; i < stats->query.nby; i++) {
        tlsrpt_csv_str(out, tlsrpt_value_text(tlsrpt_groups_value(&key),
                                              text));
        tlsrpt_csv_next(out);
    }

    if (!stats->detailed) {
        tlsrpt_csv_number(out, (int64_t) group->reports);
        tlsrpt_csv_next(out);
        tlsrpt_csv_number(out, (int64_t) group->successful);
        tlsrpt_csv_next(out);
    }

    tlsrpt_csv_number(out, (int64_t) group->failed);
    tlsrpt_csv_end(out);
}


void
tlsrpt_stats_print_head(const tlsrpt_stats_t *stats, tlsrpt_buf_t *out)
{
    if (stats->is_csv) {
        csv_header(stats, out);

    } else {
        put_json(out, head_json(stats), 1);
        tlsrpt_buf_add(out, ",\"groups\":[", 11);
    }
}


void
tlsrpt_stats_print_group(const tlsrpt_stats_t *stats, tlsrpt_buf_t *out,
    const tlsrpt_group_t *group)
{
    if (stats->is_csv) {
        csv_group(stats, out, group);
        return;
    }

    tlsrpt_buf_add(out, ",", stats->nwritten > 0);
    put_json(out, group_json(stats, group), 0);
}


void
tlsrpt_stats_print_end(const tlsrpt_stats_t *stats, tlsrpt_buf_t *out)
{
    if (!stats->is_csv) {
        tlsrpt_buf_add(out, "]}", 2);
    }
}
