/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Days and date-times, and which date ranges of reports can be counted.
 */

#include "tap.h"
#include "report.h"


static void
test_days(void)
{
    int32_t        day;
    long           wrong = 0;
    char           text[TLSRPT_DAY_TEXT_LEN + 1];
    tlsrpt_date_t  date;

    for (day = -719528; day <= 2932896; day += 13) {
        int32_t  back = 0;

        date = tlsrpt_day_to_date(day);
        tlsrpt_day_text(day, text);
        wrong += tlsrpt_day_from_date(date) != day
                 || tlsrpt_day_parse(text, strlen(text), &back) != 0
                 || back != day;
    }

    is_int(wrong, 0, "days of the years 0000 to 9999, there and back");

    tlsrpt_day_text(0, text);
    is_str(text, "1970-01-01", "the first day");
    tlsrpt_day_text(11016, text);
    is_str(text, "2000-02-29", "a leap day");
    tlsrpt_day_text(2932896, text);
    is_str(text, "9999-12-31", "the last day");

    is_int(tlsrpt_day_of(-1), -1, "the second before 1970");
    is_int(tlsrpt_day_of(-86400), -1, "the day before 1970");
    is_int(tlsrpt_day_of(86399), 0, "the last second of a day");
}


static void
test_day_parse(void)
{
    int32_t            day = 0;
    static const char  *const bad[] = {
        "", "2026", "2026-1-1", "2026-01-1", "2026-01-011", "26-01-01",
        "2026/01/01", "2026-00-01", "2026-13-01", "2026-01-00", "2026-01-32",
        "2026-04-31", "2026-02-29", "2100-02-29", "2026-01-01 ", " 2026-01-01",
        "2026-01-01T", "-001-01-01", "+026-01-01"
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        is_int(tlsrpt_day_parse(bad[i], strlen(bad[i]), &day), -1,
               "\"%s\" is no day", bad[i]);
    }

    is_int(tlsrpt_day_parse("2000-02-29", 10, &day), 0, "2000-02-29 is one");
    is_int(day, 11016, "and which");
}


static void
test_times(void)
{
    static const struct {
        const char  *text;
        int64_t      seconds;
        unsigned     deviations;
    } good[] = {
        { "1970-01-01T00:00:00Z", 0, 0 },
        { "2016-12-31T23:59:60Z", 1483228799, 0 },
        { "2026-01-10T00:00:00Z", 1768003200, 0 },
        { "2026-01-10T00:00:00.000001Z", 1768003200, 0 },
        { "2026-01-10T02:00:00+02:00", 1768003200, 0 },
        { "2026-01-09T18:30:00-05:30", 1768003200, 0 },
        { "2026-01-10T00:00:00-00:00", 1768003200, 0 },
        { "2026-01-10T00:00:00", 1768003200, TLSRPT_TIME_NO_ZONE },
        { "2026-01-10T00:00:00.5", 1768003200, TLSRPT_TIME_NO_ZONE },
        { "2026-01-10t00:00:00Z", 1768003200, TLSRPT_TIME_SLOPPY },
        { "2026-01-10 00:00:00z", 1768003200, TLSRPT_TIME_SLOPPY },
        { "2026-01-10T01:00:00+0100", 1768003200, TLSRPT_TIME_SLOPPY },
        { "2026-01-10 00:00:00", 1768003200,
          TLSRPT_TIME_SLOPPY | TLSRPT_TIME_NO_ZONE },
        { "0000-01-01T00:00:00+23:59", -62167305540, 0 },
        { "9999-12-31T23:59:59-23:59", 253402387139, 0 }
    };
    static const char  *const bad[] = {
        "", "2026-01-10", "2026-01-10T", "2026-01-10T00", "2026-01-10T00:00",
        "2026-01-10T00:00Z", "2026-01-10T24:00:00Z", "2026-01-10T00:60:00Z",
        "2026-01-10T00:00:61Z", "2026-01-10T00:00:00.Z",
        "2026-01-10T00:00:00ZZ", "2026-01-10T00:00:00 Z",
        "2026-01-10T00:00:00+1", "2026-01-10T00:00:00+",
        "2026-01-10T00:00:00+24:00", "2026-01-10T00:00:00+00:60",
        "2026-01-10T00:00:00+00:", "2026-01-10X00:00:00Z",
        "2026-01-32T00:00:00Z", "1768003200", "2026-01-10T00:00:00 GMT"
    };
    int64_t   seconds;
    unsigned  deviations;
    char      text[TLSRPT_TIME_TEXT_LEN + 1];

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        seconds = 1;
        is_int(tlsrpt_time_parse(good[i].text, strlen(good[i].text), &seconds,
                                 &deviations),
               0, "%s is a date-time", good[i].text);
        is_int(seconds, good[i].seconds, "and which");
        is_int(deviations, good[i].deviations, "and how sloppy");
    }

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        is_int(tlsrpt_time_parse(bad[i], strlen(bad[i]), &seconds,
                                 &deviations),
               -1, "\"%s\" is none", bad[i]);
    }

    tlsrpt_time_text(1768003199, text);
    is_str(text, "2026-01-09T23:59:59Z", "a time as text");
    tlsrpt_time_text(-1, text);
    is_str(text, "1969-12-31T23:59:59Z", "one before 1970");
    tlsrpt_time_text(TLSRPT_TIME_END - 1, text);
    is_str(text, "9999-12-31T23:59:59Z", "the last one");
}


static int
check_range(int64_t start, int64_t end, unsigned retention, char *detail)
{
    int              rc;
    tlsrpt_error_t   error;
    tlsrpt_report_t  report;

    memset(&report, 0, sizeof(report));
    memset(&error, 0, sizeof(error));
    report.start = start;
    report.end = end;
    report.day = tlsrpt_day_of(start);
    rc = tlsrpt_report_check_range(&report, NOW, retention, &error);
    snprintf(detail, TLSRPT_DETAIL_LEN, "%s", error.detail);

    return rc;
}


static void
test_ranges(void)
{
    int64_t  today = NOW / TLSRPT_DAY * TLSRPT_DAY;
    char     detail[TLSRPT_DETAIL_LEN];

    is_int(check_range(NOW, NOW, 1, detail), 0, "an empty range");
    is_int(check_range(NOW, NOW - 1, 1, detail), TLSRPT_ERR_RANGE,
           "ends before it starts");
    is_str(detail, "it ends before it starts", "and why");

    is_int(check_range(NOW - 8 * TLSRPT_DAY, NOW, 400, detail), 0,
           "eight days");
    is_int(check_range(NOW - 8 * TLSRPT_DAY - 1, NOW, 400, detail),
           TLSRPT_ERR_RANGE, "a second more");
    is_str(detail, "it is longer than eight days", "and why");

    is_int(check_range(NOW, NOW + TLSRPT_DAY, 400, detail), 0,
           "ends a day from now");
    is_int(check_range(NOW, NOW + TLSRPT_DAY + 1, 400, detail),
           TLSRPT_ERR_RANGE, "a second later");
    is_str(detail, "it ends more than a day in the future", "and why");

    is_int(check_range(today - 400 * TLSRPT_DAY, today - 399 * TLSRPT_DAY, 400,
                       detail),
           0, "the oldest day that is kept");
    is_int(check_range(today - 400 * TLSRPT_DAY - 1, today - 399 * TLSRPT_DAY,
                       400, detail),
           TLSRPT_ERR_RANGE, "the day before it");
    is_str(detail, "it is older than the retention", "and why");
    is_int(check_range(-62167305540, -62167305540 + 10, 400, detail),
           TLSRPT_ERR_RANGE, "before the year 0");
    is_int(check_range(-62167305540, 253402387139, 400, detail),
           TLSRPT_ERR_RANGE, "all of time");
}


int
main(void)
{
    test_days();
    test_day_parse();
    test_times();
    test_ranges();

    return done();
}
