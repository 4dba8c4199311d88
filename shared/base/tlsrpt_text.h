/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Where a report's strings live: blocks that never move, given back at once.
 * Equal strings put in by _intern are one: they can be compared by pointer.
 */

#ifndef TLSRPT_TEXT_H
#define TLSRPT_TEXT_H

#include "tlsrpt_core.h"

#pragma GCC visibility push(hidden)

typedef struct tlsrpt_text_block  tlsrpt_text_block_t;

typedef struct {
    tlsrpt_text_block_t  *blocks;           /* the newest first */
    size_t                left;             /* in the newest */
    size_t                size;             /* of all strings */
    tlsrpt_str_t         *slots;            /* open addressing */
    size_t                nslots;           /* a power of two */
    size_t                nused;
    uint64_t              seed;
} tlsrpt_text_t;

/* All zeroes is an empty text.  _reset keeps one block of the usual size. */
void tlsrpt_text_reset(tlsrpt_text_t *text);
void tlsrpt_text_free(tlsrpt_text_t *text);

/* 0, or -1: no memory, or more than TLSRPT_MAX_TEXT in all. */
int tlsrpt_text_copy(tlsrpt_text_t *text, const char *s, size_t len,
    tlsrpt_str_t *copy) TLSRPT_MUST_USE;
int tlsrpt_text_intern(tlsrpt_text_t *text, const char *s, size_t len,
    tlsrpt_str_t *copy) TLSRPT_MUST_USE;
int tlsrpt_text_full(const tlsrpt_text_t *text);

/* Where to cut UTF-8 text that is longer than max. */
size_t tlsrpt_text_cut(const char *s, size_t len, size_t max);

/* Null where it is not given, "(not UTF-8)" where it is not: text of a report
   is always UTF-8, what others put into Redis or sign mail with need not be.
   NULL: no memory. */
json_t *tlsrpt_text_json(tlsrpt_str_t s) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_TEXT_H */
