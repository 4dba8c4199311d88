/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Where a report's strings live: blocks that never move, freed all together.
 * Equal strings put in by _intern are one: they can be compared by pointer.
 */

#ifndef TLSRPT_STRINGS_H
#define TLSRPT_STRINGS_H

#include "tlsrpt_str.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_MAX_STRING  255              /* one kept string, in bytes */
#define TLSRPT_MAX_TEXT    (1024 * 1024)    /* all strings together */

typedef struct tlsrpt_strings_block  tlsrpt_strings_block_t;

typedef struct {
    tlsrpt_strings_block_t  *blocks;        /* the newest first */
    size_t                   left;          /* in the newest */
    size_t                   size;          /* of all strings */
    tlsrpt_str_t            *slots;         /* open addressing */
    size_t                   nslots;        /* a power of two */
    size_t                   nused;
    uint64_t                 seed;
} tlsrpt_strings_t;

/* All zeroes is an empty one.  _reset keeps one block of the usual size. */
void tlsrpt_strings_reset(tlsrpt_strings_t *strings);
void tlsrpt_strings_free(tlsrpt_strings_t *strings);

/* 0, or -1: no memory, or more than TLSRPT_MAX_TEXT in all. */
int tlsrpt_strings_copy(tlsrpt_strings_t *strings, const char *s, size_t len,
    tlsrpt_str_t *copy) TLSRPT_MUST_USE;
int tlsrpt_strings_intern(tlsrpt_strings_t *strings, const char *s, size_t len,
    tlsrpt_str_t *copy) TLSRPT_MUST_USE;
int tlsrpt_strings_full(const tlsrpt_strings_t *strings);

#pragma GCC visibility pop

#endif /* TLSRPT_STRINGS_H */
