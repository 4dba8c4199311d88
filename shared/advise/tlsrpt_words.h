/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A text that is put together, sentence by sentence.
 */

#ifndef TLSRPT_WORDS_H
#define TLSRPT_WORDS_H

#include "tlsrpt_str.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_WORDS_SIZE  4096

/* What is too long is cut.  len 0 is an empty one. */
typedef struct {
    char    data[TLSRPT_WORDS_SIZE];
    size_t  len;
} tlsrpt_words_t;

/* Sentences end with a space, for the next one. */
void tlsrpt_say(tlsrpt_words_t *w, const char *format, ...)
    TLSRPT_PRINTF(2, 3);

/* A text of tlsrpt_explain, with the domain's own name in it. */
void tlsrpt_say_for(tlsrpt_words_t *w, const char *text, tlsrpt_str_t domain);

/* That was the last one: it needs no space. */
void tlsrpt_say_no_more(tlsrpt_words_t *w);

/* NULL: no memory. */
json_t *tlsrpt_words_json(const tlsrpt_words_t *w) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_WORDS_H */
