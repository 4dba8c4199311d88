/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Days and date-times, UTC, without the C library's time zones.
 */

#ifndef TLSRPT_TIME_H
#define TLSRPT_TIME_H

#include "tlsrpt_str.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_DAY           86400
#define TLSRPT_TIME_END      253402300800   /* 10000-01-01 */
#define TLSRPT_DAY_TEXT_LEN  10             /* YYYY-MM-DD */

/* Deviations of a date-time from RFC 3339 that were passed over. */
#define TLSRPT_TIME_NO_ZONE  1
#define TLSRPT_TIME_SLOPPY   2              /* lower case, space for T, +0100 */

typedef struct {
    int  year;
    int  month;                             /* 1 .. 12 */
    int  day;                               /* 1 .. 31 */
} tlsrpt_date_t;

int32_t tlsrpt_day_of(int64_t seconds);
int32_t tlsrpt_day_from_date(tlsrpt_date_t date);
/* The Monday of the day's week. */
int32_t tlsrpt_monday(int32_t day);
/* The first day of the day's month, and of the next one. */
int32_t tlsrpt_first_of_month(int32_t day);
int32_t tlsrpt_next_month(int32_t day);
tlsrpt_date_t tlsrpt_day_to_date(int32_t day);

/* NUL ended; years 0000 to 9999. */
void tlsrpt_day_text(int32_t day, char buf[TLSRPT_DAY_TEXT_LEN + 1]);
/* "YYYY-MM-DDTHH:MM:SSZ" */
#define TLSRPT_TIME_TEXT_LEN  20
void tlsrpt_time_text(int64_t seconds, char buf[TLSRPT_TIME_TEXT_LEN + 1]);

/* 0, or -1: not a day. */
int tlsrpt_day_parse(const char *s, size_t len, int32_t *day) TLSRPT_MUST_USE;
/* RFC 3339 5.6, and what senders make of it; 0, or -1: not a date-time. */
int tlsrpt_time_parse(const char *s, size_t len, int64_t *seconds,
    unsigned *deviations) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_TIME_H */
