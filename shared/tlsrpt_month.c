/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "tlsrpt_month.h"


size_t
tlsrpt_months(int32_t from, int32_t to)
{
    tlsrpt_date_t  a = tlsrpt_day_to_date(from), b = tlsrpt_day_to_date(to);

    return (size_t) ((b.year - a.year) * 12 + b.month - a.month + 1);
}


int32_t
tlsrpt_nth_month(int32_t from, size_t n)
{
    int            month;
    tlsrpt_date_t  date = tlsrpt_day_to_date(from);

    month = date.month - 1 + (int) n;
    date.year += month / 12;
    date.month = month % 12 + 1;
    date.day = 1;

    return tlsrpt_day_from_date(date);
}


/* A decimal number; 0, or -1 where there is none or too large a one. */

static int
take_number(const char **p, const char *end, uint64_t *value)
{
    const char  *start = *p;

    for (*value = 0; *p != end && **p >= '0' && **p <= '9'; (*p)++) {
        *value = *value * 10 + (uint64_t) (**p - '0');

        if (*value > TLSRPT_MAX_COUNT) {
            return -1;
        }
    }

    return *p == start ? -1 : 0;
}


int
tlsrpt_totals_parse(const tlsrpt_reply_t *reply, tlsrpt_day_totals_t *totals)
{
    const char  *p, *end;
    uint64_t    *fields[4] = { &totals->reports, &totals->successful,
                               &totals->failure, &totals->last };

    if (reply->type != TLSRPT_REPLY_STRING) {
        return -1;
    }

    p = reply->str;
    end = p + reply->len;

    for (int i = 0; i < 4; i++) {
        if (i && (p == end || *p++ != ' ')) {
            return -1;
        }

        if (take_number(&p, end, fields[i]) != 0) {
            return -1;
        }
    }

    return p == end ? 0 : -1;
}


void
tlsrpt_month_parse(const tlsrpt_reply_t *reply, int32_t month, int32_t from,
    int32_t to, tlsrpt_day_totals_t *days)
{
    int32_t              day;
    uint64_t             number;
    const char          *p;
    tlsrpt_day_totals_t  totals;

    if (reply->type != TLSRPT_REPLY_ARRAY) {
        return;
    }

    for (size_t i = 0; i + 1 < reply->nelements; i += 2) {
        const tlsrpt_reply_t  *name = reply->elements[i];

        if (name->type != TLSRPT_REPLY_STRING) {
            continue;
        }

        p = name->str;

        if (take_number(&p, name->str + name->len, &number) != 0
            || number < 1 || number > 31)
        {
            continue;
        }

        day = month + (int32_t) number - 1;

        if (day >= from && day <= to
            && tlsrpt_totals_parse(reply->elements[i + 1], &totals) == 0)
        {
            days[day - from] = totals;
        }
    }
}
