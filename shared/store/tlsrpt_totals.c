/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <string.h>

#include "tlsrpt_count.h"
#include "tlsrpt_totals.h"


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


#define NUMBER_LEN   7
#define MAX_NUMBERS  5


/* The numbers of a total, the most there can be; how many, or 0: none. */

static size_t
take_numbers(const tlsrpt_reply_t *reply, uint64_t numbers[MAX_NUMBERS])
{
    size_t  n = reply->type == TLSRPT_REPLY_STRING ? reply->len / NUMBER_LEN
                                                   : 0;

    if (n > MAX_NUMBERS || reply->len != n * NUMBER_LEN) {
        return 0;
    }

    for (size_t i = 0; i < n; i++) {
        numbers[i] = 0;

        for (size_t k = NUMBER_LEN; k-- > 0; /* void */) {
            numbers[i] = numbers[i] << 8
                         | (unsigned char) reply->str[i * NUMBER_LEN + k];
        }

        if (numbers[i] > TLSRPT_MAX_COUNT) {
            return 0;
        }
    }

    return n;
}


int
tlsrpt_totals_parse(const tlsrpt_reply_t *reply, tlsrpt_totals_t *totals)
{
    uint64_t  numbers[MAX_NUMBERS];

    if (take_numbers(reply, numbers) != 4) {
        return -1;
    }

    totals->reports = numbers[0];
    totals->successful = numbers[1];
    totals->failed = numbers[2];
    totals->last = numbers[3];
    totals->overflow = 0;

    return 0;
}


int
tlsrpt_totals_parse_struck(const tlsrpt_reply_t *reply,
    tlsrpt_totals_t *totals)
{
    uint64_t  numbers[MAX_NUMBERS];

    if (take_numbers(reply, numbers) != 3) {
        return -1;
    }

    totals->reports = numbers[0];
    totals->successful = numbers[1];
    totals->failed = numbers[2];
    totals->last = 0;
    totals->overflow = 0;

    return 0;
}


static int
day_parse(const tlsrpt_reply_t *reply, tlsrpt_totals_t *totals)
{
    uint64_t  numbers[MAX_NUMBERS];
    size_t    n = take_numbers(reply, numbers);

    if (n < 4) {
        return -1;
    }

    totals->reports = numbers[0];
    totals->successful = numbers[1];
    totals->failed = numbers[2];
    totals->last = 0;
    totals->overflow = n > 4 ? numbers[4] : 0;

    return 0;
}


/* A day's name in its month: "1" to "31"; 0: it is none. */

static int
day_of_month(const tlsrpt_reply_t *name)
{
    int  day = 0;

    if (name->type != TLSRPT_REPLY_STRING || name->len < 1 || name->len > 2) {
        return 0;
    }

    for (size_t i = 0; i < name->len; i++) {
        if (name->str[i] < '0' || name->str[i] > '9') {
            return 0;
        }

        day = day * 10 + name->str[i] - '0';
    }

    return day <= 31 ? day : 0;
}


int
tlsrpt_totals_parse_day(const tlsrpt_reply_t *field,
    const tlsrpt_reply_t *value, tlsrpt_totals_t *totals)
{
    int  day = day_of_month(field);

    return day && day_parse(value, totals) == 0 ? day : 0;
}


void
tlsrpt_totals_add(tlsrpt_totals_t *sum, const tlsrpt_totals_t *totals)
{
    sum->reports = tlsrpt_count_add(sum->reports, totals->reports);
    sum->successful = tlsrpt_count_add(sum->successful, totals->successful);
    sum->failed = tlsrpt_count_add(sum->failed, totals->failed);
    sum->overflow = tlsrpt_count_add(sum->overflow, totals->overflow);
}


static uint64_t
less(uint64_t from, uint64_t by)
{
    return from > by ? from - by : 0;
}


void
tlsrpt_totals_take(tlsrpt_totals_t *sum, const tlsrpt_totals_t *totals)
{
    sum->reports = less(sum->reports, totals->reports);
    sum->successful = less(sum->successful, totals->successful);
    sum->failed = less(sum->failed, totals->failed);
}


/* Digits up to what ends them; -1: there are none, or too many. */

static int
take_digits(tlsrpt_str_t *text, char end, uint64_t *number)
{
    size_t  n = 0;

    for (*number = 0; n < text->len && text->data[n] != end; n++) {
        if (text->data[n] < '0' || text->data[n] > '9'
            || *number > TLSRPT_MAX_COUNT / 10)
        {
            return -1;
        }

        *number = *number * 10 + (uint64_t) (text->data[n] - '0');
    }

    if (n == 0) {
        return -1;
    }

    n += n < text->len;
    text->data += n;
    text->len -= n;

    return 0;
}


int
tlsrpt_before_parse(const tlsrpt_reply_t *reply, tlsrpt_before_t *before)
{
    uint64_t       numbers[7];
    tlsrpt_str_t  *types = &before->types;

    memset(before, 0, sizeof(*before));

    if (reply->type != TLSRPT_REPLY_STRING) {
        return -1;
    }

    *types = (tlsrpt_str_t) { reply->str, reply->len };

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (take_digits(types, ' ', &numbers[i]) != 0) {
            return -1;
        }
    }

    before->since = (int64_t) numbers[0];
    before->all.reports = numbers[1];
    before->all.successful = numbers[2];
    before->all.failed = numbers[3];
    before->struck.reports = numbers[4];
    before->struck.successful = numbers[5];
    before->struck.failed = numbers[6];

    return 0;
}


uint64_t
tlsrpt_before_failures(const tlsrpt_before_t *before, tlsrpt_str_t type)
{
    uint64_t      number;
    tlsrpt_str_t  left = before->types;

    while (left.len > 0) {
        const char  *end = memchr(left.data, ' ', left.len);
        size_t       n = end ? (size_t) (end - left.data) : left.len;

        if (n > type.len && left.data[type.len] == '='
            && memcmp(left.data, type.data, type.len) == 0)
        {
            left.data += type.len + 1;
            left.len -= type.len + 1;

            return take_digits(&left, ' ', &number) == 0 ? number : 0;
        }

        n += end != NULL;
        left.data += n;
        left.len -= n;
    }

    return 0;
}


void
tlsrpt_totals_parse_month(const tlsrpt_reply_t *reply, int32_t month,
    int32_t from, int32_t to, tlsrpt_totals_t *days)
{
    int              number;
    int32_t          day;
    tlsrpt_totals_t  totals;

    if (reply->type != TLSRPT_REPLY_ARRAY) {
        return;
    }

    for (size_t i = 0; i + 1 < reply->nelements; i += 2) {
        number = tlsrpt_totals_parse_day(reply->elements[i],
                                         reply->elements[i + 1], &totals);
        day = month + number - 1;

        if (number && day >= from && day <= to) {
            tlsrpt_totals_add(&days[day - from], &totals);
        }
    }
}
