/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Stories: files of lines, each one of the sentences that a program knows.
 *
 * What is behind "#" is a comment.  Words are parted by blanks, or stand in
 * double quotes.  A story in which a sentence asks story_any(n) is played n
 * times, and is given 1 to n.
 */

#ifndef T_REPLAY_STORY_H
#define T_REPLAY_STORY_H

#include <stddef.h>

/* "caller sends $ *": $ is any word, * one or more.  play is given those words,
   and how many.  The first sentence that fits is the one. */
typedef struct {
    const char  *sentence;
    void       (*play)(char **word, size_t n);
} sentence_t;

/* begin: before the first line; around: before (after 0) and after (after 1)
   each line, with its first word; end: after the last. */
typedef struct {
    const sentence_t  *sentences;           /* ends with NULL */
    void             (*begin)(void);
    void             (*around)(const char *first, int after);
    void             (*end)(void);
    const char      *(*log)(void);          /* shown where a story fails */
} stories_t;

/* The exit status. */
int story_main(const stories_t *stories, const char *path);

/* A line within a line: of words joined by story_join(), which free() gives
   back. */
void story_play(const char *text);
char *story_join(char **word, size_t n);

void story_fail(const char *format, ...)
    __attribute__((format(printf, 1, 2), noreturn));
void *story_must(void *p);                  /* fails where it is NULL */
char *story_copy(const char *text);
size_t story_number(const char *word);
size_t story_msec(const char *word);        /* "500ms", "5s" */
size_t story_any(size_t n);

#endif /* T_REPLAY_STORY_H */
