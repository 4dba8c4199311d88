/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Strings, and what every header of the core needs.
 *
 * Ownership, as in jansson: what _create, _read or _command returns belongs to
 * the caller and is given back by the matching _destroy; every other pointer is
 * borrowed and lives as long as the object that it was taken from.
 *
 * Strings are UTF-8, counted, and may hold any byte but NUL.
 * Days are days since 1970-01-01, UTC; times are seconds since then.
 */

#ifndef TLSRPT_STR_H
#define TLSRPT_STR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <jansson.h>

#include "tlsrpt_chars.h"

#pragma GCC visibility push(hidden)

#if defined(__GNUC__)
#define TLSRPT_MUST_USE     __attribute__((warn_unused_result))
#define TLSRPT_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define TLSRPT_MUST_USE
#define TLSRPT_PRINTF(f, a)
#endif


typedef struct {
    const char  *data;          /* NULL: not given */
    size_t       len;
} tlsrpt_str_t;

/* A literal as a string. */
#define TLSRPT_STR(text)  ((tlsrpt_str_t) { (text), sizeof(text) - 1 })


/* A string that is not given equals another such, but not an empty one. */

static inline int
tlsrpt_str_equal(tlsrpt_str_t a, tlsrpt_str_t b)
{
    return a.len == b.len && (a.data == NULL) == (b.data == NULL)
           && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}


static inline int
tlsrpt_str_is(tlsrpt_str_t s, const char *text)
{
    size_t  len = strlen(text);

    return s.len == len && memcmp(s.data, text, len) == 0;
}


static inline int
tlsrpt_str_begins(tlsrpt_str_t s, const char *text)
{
    size_t  len = strlen(text);

    return s.len >= len && memcmp(s.data, text, len) == 0;
}


/* Does it begin with text in any case?  text itself is in lower case. */

static inline int
tlsrpt_str_begins_in_any_case(tlsrpt_str_t s, const char *text)
{
    size_t  i;

    for (i = 0; i < s.len && text[i] != '\0'; i++) {
        if (tlsrpt_lower(s.data[i]) != text[i]) {
            return 0;
        }
    }

    return text[i] == '\0';
}


/* Copies it to *p, where all is zeroes, and moves *p behind it and its NUL: for
   what an object keeps of its caller's, in one piece of memory. */
tlsrpt_str_t tlsrpt_str_copy(char **p, tlsrpt_str_t s);

/* Null for a string that is not given, "(not UTF-8)" for one that is not UTF-8:
   a report's text always is, but what others put into Redis, or sign mail
   with, need not be.  NULL: no memory. */
json_t *tlsrpt_str_json(tlsrpt_str_t s) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_STR_H */
