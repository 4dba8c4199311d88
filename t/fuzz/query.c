/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A query string, unescaped: it is taken within its bounds, or refused with the
 * name of a parameter and a reason.
 */

#include "fuzz.h"

#include "tlsrpt_answer.h"

#define NOW  1768910400

typedef int (*param_pt)(void *query, tlsrpt_str_t name, tlsrpt_str_t value,
    tlsrpt_error_t *error);


static int
query_param(void *query, tlsrpt_str_t name, tlsrpt_str_t value,
    tlsrpt_error_t *error)
{
    return tlsrpt_query_param(query, name, value, error);
}


static int
reports_param(void *query, tlsrpt_str_t name, tlsrpt_str_t value,
    tlsrpt_error_t *error)
{
    return tlsrpt_reports_query_param(query, name, value, error);
}


static int
check_error(int rc, const tlsrpt_error_t *error)
{
    if (rc != TLSRPT_OK) {
        CHECK(rc == TLSRPT_ERR_PARAMETER && error->code == rc);
        CHECK(memchr(error->path, '\0', sizeof(error->path)) != NULL);
        CHECK(error->detail[0] != '\0');

        for (const char *p = error->path; *p; p++) {
            CHECK(*p > ' ' && *p < 0x7f);
        }
    }

    return rc;
}


/* "name=value&name=value", each in a block of its own; the first error ends
   it. */

static int
params(void *query, param_pt param, const uint8_t *data, size_t size)
{
    int             rc = TLSRPT_OK;
    char           *block;
    size_t          len;
    const char     *sign;
    tlsrpt_str_t    name, value;
    tlsrpt_error_t  error;

    while (size && rc == TLSRPT_OK) {
        sign = memchr(data, '&', size);
        len = sign ? (size_t) ((const uint8_t *) sign - data) : size;
        block = malloc(len + (len == 0));
        CHECK(block != NULL);
        memcpy(block, data, len);

        sign = memchr(block, '=', len);
        name.data = block;
        name.len = sign ? (size_t) (sign - block) : len;
        value.data = sign ? sign + 1 : block + len;
        value.len = sign ? len - name.len - 1 : 0;
        memset(&error, 0xff, sizeof(error));
        rc = check_error(param(query, name, value, &error), &error);
        free(block);

        len += len < size;
        data += len;
        size -= len;
    }

    return rc;
}


static void
check_query(const tlsrpt_query_t *query)
{
    CHECK(query->nby <= TLSRPT_NDIMENSIONS);

    for (unsigned i = 0; i < query->nby; i++) {
        CHECK(query->by[i] < TLSRPT_NDIMENSIONS);
        CHECK(tlsrpt_query_groups_by(query, query->by[i]));
    }

    for (unsigned i = 0; i < TLSRPT_NDIMENSIONS; i++) {
        CHECK(query->filter_len[i] <= TLSRPT_MAX_STRING);
        CHECK(memchr(query->filter[i], '\0', sizeof(query->filter[i]))
              != NULL);
    }
}


/* The commands that such a query leads to; nothing is there. */

static void
ask(const tlsrpt_query_t *query)
{
    size_t            n, asked = 0;
    json_t           *json;
    tlsrpt_str_t      domain = { "example.com", 11 }, prefix = { "t", 1 };
    tlsrpt_reply_t    nil = { TLSRPT_REPLY_NIL, 0, NULL, 0, 0, NULL };
    tlsrpt_stats_t   *stats = tlsrpt_stats_create(query, domain, prefix);

    CHECK(stats != NULL);

    while (tlsrpt_stats_next(stats, &n) != NULL) {
        CHECK(tlsrpt_stats_add(stats, n, &nil) == TLSRPT_OK);
        CHECK(asked++ <= TLSRPT_MAX_QUERY_DAYS / 28 + 3);
    }

    json = tlsrpt_stats_json(stats);
    CHECK(json_is_object(json));
    json_decref(json);
    tlsrpt_stats_destroy(stats);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tlsrpt_error_t          error;
    tlsrpt_query_t          query;
    tlsrpt_reports_query_t  reports;

    tlsrpt_query_init(&query, NOW);
    tlsrpt_reports_query_init(&reports, NOW);

    if (params(&reports, reports_param, data, size) == TLSRPT_OK) {
        CHECK(reports.limit >= 1 && reports.limit <= TLSRPT_REPORTS_MAX_LIMIT);
        check_query(&reports.query);
    }

    if (params(&query, query_param, data, size) != TLSRPT_OK) {
        return 0;
    }

    check_query(&query);

    if (check_error(tlsrpt_query_check(&query, &error), &error) == TLSRPT_OK) {
        CHECK(query.to >= query.from
              && query.to - query.from < TLSRPT_MAX_QUERY_DAYS);
        ask(&query);
    }

    return 0;
}
