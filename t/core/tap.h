/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests in C that emit TAP, as prove reads it.  The names of the tests are
 * printf formats; main ends with return done();
 */

#ifndef TAP_H
#define TAP_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>


static int  tap_count;
static int  tap_failed;


__attribute__((unused))
static int
tap_result(int passed, const char *fmt, va_list args)
{
    printf("%sok %d - ", passed ? "" : "not ", ++tap_count);
    vprintf(fmt, args);
    putchar('\n');

    if (!passed) {
        tap_failed++;
    }

    return passed;
}


__attribute__((unused, format(printf, 2, 3)))
static int
ok(int passed, const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    passed = tap_result(passed != 0, fmt, args);
    va_end(args);

    return passed;
}


__attribute__((unused, format(printf, 3, 4)))
static int
is_int(long long got, long long want, const char *fmt, ...)
{
    int      passed;
    va_list  args;

    va_start(args, fmt);
    passed = tap_result(got == want, fmt, args);
    va_end(args);

    if (!passed) {
        printf("#  got: %lld\n# want: %lld\n", got, want);
    }

    return passed;
}


/* A line of a text in a comment of TAP. */

__attribute__((unused))
static void
tap_show(const char *label, const char *text)
{
    printf("# %s: ", label);

    for ( ; text != NULL && *text; text++) {
        putchar(*text);

        if (*text == '\n') {
            printf("#       ");
        }
    }

    puts(text == NULL ? "(NULL)" : "");
}


__attribute__((unused, format(printf, 3, 4)))
static int
is_str(const char *got, const char *want, const char *fmt, ...)
{
    int      passed;
    va_list  args;

    passed = got != NULL && want != NULL ? strcmp(got, want) == 0
                                         : got == want;
    va_start(args, fmt);
    passed = tap_result(passed, fmt, args);
    va_end(args);

    if (!passed) {
        tap_show(" got", got);
        tap_show("want", want);
    }

    return passed;
}


/* The plan, and the exit status. */

__attribute__((unused))
static int
done(void)
{
    printf("1..%d\n", tap_count);

    return tap_failed ? 1 : 0;
}

#endif /* TAP_H */
