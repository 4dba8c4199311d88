/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A text that is put together of those of explain.txt, sentence by sentence.
 */

#ifndef TLSRPT_WORDS_H
#define TLSRPT_WORDS_H

#include "tlsrpt_explain.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_WORDS_SIZE  4096

/* What is too long is cut.  len 0 is an empty one. */
typedef struct {
    char    data[TLSRPT_WORDS_SIZE];
    size_t  len;
} tlsrpt_words_t;

/* What stands for the {names} in texts.  All zeroes: none is known. */
#define TLSRPT_MAX_NAMES   32
#define TLSRPT_NAMES_SIZE  2048

typedef struct {
    struct {
        const char    *name;
        tlsrpt_str_t   value;
    } list[TLSRPT_MAX_NAMES];
    size_t  n;
    char    text[TLSRPT_NAMES_SIZE];        /* of values that are made */
    size_t  len;
} tlsrpt_names_t;

/* A later value takes the place of an earlier one.  Of one that is not given
   nothing is known; value is borrowed, name a literal. */
void tlsrpt_name(tlsrpt_names_t *names, const char *name, tlsrpt_str_t value);
/* A value that is made here; too long, it is not known. */
void tlsrpt_name_made(tlsrpt_names_t *names, const char *name,
    const char *format, ...) TLSRPT_PRINTF(3, 4);
/* "1 session", "14,001 sessions" */
void tlsrpt_name_count(tlsrpt_names_t *names, const char *name, uint64_t n,
    const char *noun);

/* The mail server: {mx}, and {host} where it is one fit for a command, as
   senders name what they like. */
void tlsrpt_name_mx(tlsrpt_names_t *names, tlsrpt_str_t mx);

/* Appends the text and a space; 1, or 0: nothing, as the text is NULL or has a
   name of which nothing is known. */
int tlsrpt_say(tlsrpt_words_t *w, const tlsrpt_names_t *names,
    const char *text);

/* All texts of the name; several are numbered. */
void tlsrpt_say_all(tlsrpt_words_t *w, const tlsrpt_names_t *names,
    const char *section, const char *name);

/* The steps of the name in a section, each with its command, or NULL.  Those of
   which a name is not known are left out, or replaced (see explain.txt).  0, or
   -1: take did not answer 0. */
typedef int (*tlsrpt_take_step_pt)(void *ctx, const tlsrpt_words_t *text,
    const tlsrpt_words_t *command);
int tlsrpt_steps(const tlsrpt_names_t *names, const char *section,
    const char *name, tlsrpt_take_step_pt take, void *ctx) TLSRPT_MUST_USE;

/* That was the last one: it needs no space. */
void tlsrpt_say_no_more(tlsrpt_words_t *w);

/* NULL: no memory. */
json_t *tlsrpt_words_json(const tlsrpt_words_t *w) TLSRPT_MUST_USE;

/* Takes a step into an array, {"text","command"?}.  0, or -1: no memory. */
int tlsrpt_step_json(void *steps, const tlsrpt_words_t *text,
    const tlsrpt_words_t *command);

#pragma GCC visibility pop

#endif /* TLSRPT_WORDS_H */
