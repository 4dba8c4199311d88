/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "tlsrpt_time.h"


/* The civil calendar in 400-year eras that begin on the first of March, so
   that a leap day is the last of its year. */

#define DAYS_OF_ERA     146097
#define EPOCH_FROM_ERA  719468              /* 0000-03-01 to 1970-01-01 */


int32_t
tlsrpt_day_of(int64_t seconds)
{
    int64_t  day = seconds / TLSRPT_DAY;

    return (int32_t) (seconds % TLSRPT_DAY < 0 ? day - 1 : day);
}


int32_t
tlsrpt_day_from_date(tlsrpt_date_t date)
{
    int  y = date.month <= 2 ? date.year - 1 : date.year;
    int  era = (y >= 0 ? y : y - 399) / 400;
    int  yoe = y - era * 400;
    int  doy = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5
               + date.day - 1;
    int  doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

    return era * DAYS_OF_ERA + doe - EPOCH_FROM_ERA;
}


/* 1970-01-01 was a Thursday. */

int32_t
tlsrpt_monday(int32_t day)
{
    return day - (day % 7 + 10) % 7;
}


int32_t
tlsrpt_first_of_month(int32_t day)
{
    return day - tlsrpt_day_to_date(day).day + 1;
}


int32_t
tlsrpt_next_month(int32_t day)
{
    /* in the middle of the next one, whatever the month */
    return tlsrpt_first_of_month(tlsrpt_first_of_month(day) + 45);
}


tlsrpt_date_t
tlsrpt_day_to_date(int32_t day)
{
    int            z = day + EPOCH_FROM_ERA;
    int            era = (z >= 0 ? z : z - DAYS_OF_ERA + 1) / DAYS_OF_ERA;
    int            doe = z - era * DAYS_OF_ERA;
    int            yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int            doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int            mp = (5 * doy + 2) / 153;
    tlsrpt_date_t  date;

    date.day = doy - (153 * mp + 2) / 5 + 1;
    date.month = mp < 10 ? mp + 3 : mp - 9;
    date.year = yoe + era * 400 + (date.month <= 2);

    return date;
}


static char *
put_digits(char *p, int value, int width)
{
    for (int i = width - 1; i >= 0; i--) {
        p[i] = (char) ('0' + value % 10);
        value /= 10;
    }

    return p + width;
}


void
tlsrpt_day_text(int32_t day, char buf[TLSRPT_DAY_TEXT_LEN + 1])
{
    char           *p;
    tlsrpt_date_t   date = tlsrpt_day_to_date(day);

    p = put_digits(buf, date.year, 4);
    *p++ = '-';
    p = put_digits(p, date.month, 2);
    *p++ = '-';
    p = put_digits(p, date.day, 2);
    *p = '\0';
}


void
tlsrpt_time_text(int64_t seconds, char buf[TLSRPT_TIME_TEXT_LEN + 1])
{
    char     *p = buf + TLSRPT_DAY_TEXT_LEN;
    int32_t   day = tlsrpt_day_of(seconds);
    int       rest = (int) (seconds - (int64_t) day * TLSRPT_DAY);

    tlsrpt_day_text(day, buf);
    *p++ = 'T';
    p = put_digits(p, rest / 3600, 2);
    *p++ = ':';
    p = put_digits(p, rest / 60 % 60, 2);
    *p++ = ':';
    p = put_digits(p, rest % 60, 2);
    *p++ = 'Z';
    *p = '\0';
}


/* Exactly n digits from *p on; -1 where there are fewer. */

static int
take_digits(const char **p, const char *end, int n)
{
    int  value = 0;

    for (int i = 0; i < n; i++) {
        if (*p == end || **p < '0' || **p > '9') {
            return -1;
        }

        value = value * 10 + (*(*p)++ - '0');
    }

    return value;
}


static int
take(const char **p, const char *end, char c)
{
    if (*p == end || **p != c) {
        return 0;
    }

    (*p)++;
    return 1;
}


static int
days_of_month(tlsrpt_date_t date)
{
    static const int  days[] = { 31, 28, 31, 30, 31, 30,
                                 31, 31, 30, 31, 30, 31 };

    int  leap = date.year % 4 == 0
                && (date.year % 100 != 0 || date.year % 400 == 0);

    return days[date.month - 1] + (date.month == 2 && leap);
}


static int
take_day(const char **p, const char *end, int32_t *day)
{
    tlsrpt_date_t  date;

    date.year = take_digits(p, end, 4);

    if (date.year < 0 || !take(p, end, '-')) {
        return -1;
    }

    date.month = take_digits(p, end, 2);

    if (date.month < 1 || date.month > 12 || !take(p, end, '-')) {
        return -1;
    }

    date.day = take_digits(p, end, 2);

    if (date.day < 1 || date.day > days_of_month(date)) {
        return -1;
    }

    *day = tlsrpt_day_from_date(date);
    return 0;
}


/* partial-time; a leap second counts as the one before. */

static int
take_time(const char **p, const char *end, int *seconds)
{
    int  h, m, s;

    h = take_digits(p, end, 2);

    if (h < 0 || h > 23 || !take(p, end, ':')) {
        return -1;
    }

    m = take_digits(p, end, 2);

    if (m < 0 || m > 59 || !take(p, end, ':')) {
        return -1;
    }

    s = take_digits(p, end, 2);

    if (s < 0 || s > 60) {
        return -1;
    }

    if (take(p, end, '.')) {
        if (take_digits(p, end, 1) < 0) {
            return -1;
        }

        while (*p != end && **p >= '0' && **p <= '9') {
            (*p)++;
        }
    }

    *seconds = h * 3600 + m * 60 + (s == 60 ? 59 : s);
    return 0;
}


/* time-offset, in seconds east of Greenwich. */

static int
take_offset(const char **p, const char *end, int *offset, unsigned *deviations)
{
    int  sign, h, m;

    *offset = 0;

    if (*p == end) {
        *deviations |= TLSRPT_TIME_NO_ZONE;
        return 0;
    }

    if (take(p, end, 'Z')) {
        return 0;
    }

    if (take(p, end, 'z')) {
        *deviations |= TLSRPT_TIME_SLOPPY;
        return 0;
    }

    sign = take(p, end, '-') ? -1 : take(p, end, '+');
    h = take_digits(p, end, 2);

    if (sign == 0 || h < 0 || h > 23) {
        return -1;
    }

    if (!take(p, end, ':')) {
        *deviations |= TLSRPT_TIME_SLOPPY;
    }

    m = take_digits(p, end, 2);

    if (m < 0 || m > 59) {
        return -1;
    }

    *offset = sign * (h * 3600 + m * 60);
    return 0;
}


int
tlsrpt_day_parse(const char *s, size_t len, int32_t *day)
{
    const char  *end = s + len;

    return take_day(&s, end, day) == 0 && s == end ? 0 : -1;
}


int
tlsrpt_time_parse(const char *s, size_t len, int64_t *seconds,
    unsigned *deviations)
{
    int          time, offset;
    int32_t      day;
    const char  *end = s + len;

    *deviations = 0;

    if (take_day(&s, end, &day) != 0) {
        return -1;
    }

    if (take(&s, end, 't') || take(&s, end, ' ')) {
        *deviations |= TLSRPT_TIME_SLOPPY;

    } else if (!take(&s, end, 'T')) {
        return -1;
    }

    if (take_time(&s, end, &time) != 0
        || take_offset(&s, end, &offset, deviations) != 0
        || s != end)
    {
        return -1;
    }

    *seconds = (int64_t) day * TLSRPT_DAY + time - offset;
    return 0;
}
