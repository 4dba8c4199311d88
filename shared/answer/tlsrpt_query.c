/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdio.h>
#include <string.h>

#include "tlsrpt_domain.h"
#include "tlsrpt_ip.h"
#include "tlsrpt_query.h"
#include "tlsrpt_time.h"


#define MAX_NAME   64                       /* shown of a parameter's */
#define NOT_A_DAY  "not a day (YYYY-MM-DD)"

static const char  *dimensions[] = {
#define XX(name, text) text,
    TLSRPT_DIMENSION_MAP(XX)
#undef XX
};


const char *
tlsrpt_dimension_name(unsigned dimension)
{
    return dimensions[dimension];
}


void
tlsrpt_query_init(tlsrpt_query_t *query, int64_t now)
{
    memset(query, 0, sizeof(*query));
    query->today = tlsrpt_day_of(now);
    query->to = query->today;
    query->from = query->to - (TLSRPT_DEFAULT_DAYS - 1);
}


void
tlsrpt_query_retain(tlsrpt_query_t *query, unsigned retention_days)
{
    query->oldest = query->today - (int32_t) retention_days;
}


/* The name as it was sent, which may be anything. */

static void
set_path(char path[TLSRPT_PATH_LEN], tlsrpt_str_t name)
{
    size_t  n = 0;

    for ( ; n < name.len && n < MAX_NAME; n++) {
        path[n] = name.data[n] > ' ' && name.data[n] < 0x7f ? name.data[n]
                                                            : '?';
    }

    path[n] = '\0';
}


int
tlsrpt_param_fail(tlsrpt_error_t *error, tlsrpt_str_t name, const char *detail)
{
    memset(error, 0, sizeof(*error));
    error->code = TLSRPT_ERR_PARAMETER;
    set_path(error->path, name);
    snprintf(error->detail, TLSRPT_DETAIL_LEN, "%s", detail);

    return TLSRPT_ERR_PARAMETER;
}


int
tlsrpt_param_unknown(tlsrpt_error_t *error, tlsrpt_str_t name)
{
    return tlsrpt_param_fail(error, name, "unknown parameter");
}


int
tlsrpt_param_is(tlsrpt_str_t name, const char *text)
{
    return name.len == strlen(text) && memcmp(name.data, text, name.len) == 0;
}


static int
find_dimension(tlsrpt_str_t name)
{
    for (int i = 0; i < TLSRPT_NDIMENSIONS; i++) {
        if (tlsrpt_param_is(name, dimensions[i])) {
            return i;
        }
    }

    return -1;
}


static int
set_by(tlsrpt_query_t *query, tlsrpt_str_t name, tlsrpt_str_t value,
    tlsrpt_error_t *error)
{
    int           dimension;
    const char   *comma;
    tlsrpt_str_t  word;

    if (query->nby) {
        return tlsrpt_param_fail(error, name, "given twice");
    }

    while (value.len) {
        comma = memchr(value.data, ',', value.len);
        word.data = value.data;
        word.len = comma ? (size_t) (comma - value.data) : value.len;

        dimension = find_dimension(word);

        if (dimension < 0) {
            return tlsrpt_param_fail(error, name, "not one of day, "
                                     "organization-name, policy-type, via, "
                                     "result-type, sending-mta-ip, "
                                     "receiving-mx-hostname, receiving-ip, "
                                     "failure-reason-code");
        }

        if (tlsrpt_query_groups_by(query, (unsigned) dimension)) {
            return tlsrpt_param_fail(error, name, "a name is given twice");
        }

        query->by[query->nby++] = (unsigned char) dimension;
        value.data += word.len + (comma != NULL);
        value.len -= word.len + (comma != NULL);

        if (comma != NULL && value.len == 0) {
            return tlsrpt_param_fail(error, name, "a name is missing");
        }
    }

    return TLSRPT_OK;
}


/* Brings a filter's value to the form in which the member is kept; the length,
   0: it can be none. */

static size_t
canonical(unsigned dimension, const char *value, size_t len, char *buf)
{
    int      bare;
    size_t   n;
    char     name[TLSRPT_DOMAIN_LEN + 1];
    int32_t  day;

    switch (dimension) {
    case TLSRPT_BY_DAY:
        return tlsrpt_day_parse(value, len, &day) == 0 ? len : 0;

    case TLSRPT_BY_VIA:
        return strcmp(value, "https") == 0 || strcmp(value, "mail") == 0
               ? len : 0;

    case TLSRPT_BY_SENDING_IP:
    case TLSRPT_BY_RECEIVING_IP:
        n = tlsrpt_ip_read(value, len, buf, &bare);
        return n || strcmp(value, "(overflow)") != 0 ? n : len;

    case TLSRPT_BY_MX:
        n = tlsrpt_domain_normalize(value, len, name);

        if (n == 0) {
            return tlsrpt_lower_copy(buf, buf, len);
        }

        memcpy(buf, name, n + 1);
        return n;

    case TLSRPT_BY_POLICY_TYPE:
    case TLSRPT_BY_RESULT_TYPE:
        return tlsrpt_lower_copy(buf, buf, len);

    default:
        return len;
    }
}


static int
set_filter(tlsrpt_query_t *query, unsigned dimension, tlsrpt_str_t name,
    tlsrpt_str_t value, tlsrpt_error_t *error)
{
    size_t  n = 0;
    char   *buf = query->filter[dimension];
    char    text[TLSRPT_MAX_STRING + 1];

    if (query->filtered & 1u << dimension) {
        return tlsrpt_param_fail(error, name, "given twice");
    }

    if (value.len > TLSRPT_MAX_STRING) {
        return tlsrpt_param_fail(error, name, "longer than 255 bytes");
    }

    if (value.len && memchr(value.data, '\0', value.len) != NULL) {
        return tlsrpt_param_fail(error, name, "holds a NUL");
    }

    if (value.len) {
        memcpy(text, value.data, value.len);
        text[value.len] = '\0';
        memcpy(buf, text, value.len + 1);

        n = canonical(dimension, text, value.len, buf);
        buf[n] = '\0';

        if (n == 0) {
            return tlsrpt_param_fail(error, name, dimension == TLSRPT_BY_DAY
                                     ? NOT_A_DAY
                                     : dimension == TLSRPT_BY_VIA
                                     ? "neither https nor mail"
                                     : "not an IP address");
        }

    } else if (dimension == TLSRPT_BY_DAY || dimension == TLSRPT_BY_VIA) {
        return tlsrpt_param_fail(error, name, "empty");
    }

    query->filtered |= 1u << dimension;
    query->filter_len[dimension] = (unsigned short) n;

    return TLSRPT_OK;
}


int
tlsrpt_query_param(tlsrpt_query_t *query, tlsrpt_str_t name,
    tlsrpt_str_t value, tlsrpt_error_t *error)
{
    int       dimension;
    int32_t  *day = tlsrpt_param_is(name, "from") ? &query->from
                    : tlsrpt_param_is(name, "to") ? &query->to : NULL;

    if (day != NULL) {
        return tlsrpt_day_parse(value.data, value.len, day) == 0
               ? TLSRPT_OK : tlsrpt_param_fail(error, name, NOT_A_DAY);
    }

    if (tlsrpt_param_is(name, "by")) {
        return set_by(query, name, value, error);
    }

    dimension = find_dimension(name);

    if (dimension < 0) {
        return tlsrpt_param_unknown(error, name);
    }

    return set_filter(query, (unsigned) dimension, name, value, error);
}


int
tlsrpt_query_check(const tlsrpt_query_t *query, tlsrpt_error_t *error)
{
    static const tlsrpt_str_t  from = { "from", 4 };

    if (query->from > query->to) {
        return tlsrpt_param_fail(error, from, "after to");
    }

    if (query->to - query->from >= TLSRPT_MAX_QUERY_DAYS) {
        return tlsrpt_param_fail(error, from, "over 10000 days before to");
    }

    return TLSRPT_OK;
}


int
tlsrpt_query_groups_by(const tlsrpt_query_t *query, unsigned dimension)
{
    return memchr(query->by, (int) dimension, query->nby) != NULL;
}


int
tlsrpt_query_is_detailed(const tlsrpt_query_t *query)
{
    for (unsigned i = TLSRPT_BY_DETAIL; i < TLSRPT_NDIMENSIONS; i++) {
        if (query->filtered & 1u << i || tlsrpt_query_groups_by(query, i)) {
            return 1;
        }
    }

    return 0;
}


int
tlsrpt_query_is_typed(const tlsrpt_query_t *query)
{
    return query->filtered & 1u << TLSRPT_BY_POLICY_TYPE
           || tlsrpt_query_groups_by(query, TLSRPT_BY_POLICY_TYPE);
}
