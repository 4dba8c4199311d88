/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#define _POSIX_C_SOURCE  200809L         /* strdup() */

#include "story.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LINE   4096
#define MAX_WORDS  64


static const stories_t  *stories;
static const char       *path;
static size_t            line;
static size_t            run, nruns;
static int               chosen;


void
story_fail(const char *format, ...)
{
    va_list  args;

    fprintf(stderr, "%s:%zu: ", path, line);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);

    if (nruns > 1) {
        fprintf(stderr, " (%zu of %zu)", run, nruns);
    }

    fprintf(stderr, "\nThe log:\n%s", stories->log());
    fflush(stderr);
    _Exit(1);
}


void *
story_must(void *p)
{
    if (p == NULL) {
        story_fail("out of memory");
    }

    return p;
}


char *
story_copy(const char *text)
{
    return story_must(strdup(text));
}


size_t
story_number(const char *word)
{
    char    *end;
    size_t   n = strtoul(word, &end, 10);

    if (end == word || *end) {
        story_fail("not a number: %s", word);
    }

    return n;
}


size_t
story_msec(const char *word)
{
    char    *end;
    size_t   n = strtoul(word, &end, 10);

    if (end != word && strcmp(end, "ms") == 0) {
        return n;
    }

    if (end == word || strcmp(end, "s") != 0) {
        story_fail("not a time: %s", word);
    }

    return n * 1000;
}


size_t
story_any(size_t n)
{
    if (n == 0 || chosen) {
        story_fail("nothing to choose from, or a second choice");
    }

    chosen = 1;
    nruns = n;

    return run;
}


/*
 * Lines
 */

/* Cuts the text into its words, in place; their number. */

static size_t
split(char *text, char *words[MAX_WORDS])
{
    size_t  n = 0;
    char    end;

    for ( ;; ) {
        text += strspn(text, " \t\r\n");

        if (*text == '\0' || *text == '#') {
            return n;
        }

        if (n == MAX_WORDS) {
            story_fail("more than %d words", MAX_WORDS);
        }

        end = *text == '"' ? '"' : ' ';
        text += end == '"';
        words[n++] = text;
        text += strcspn(text, end == '"' ? "\"" : " \t\r\n");

        if (*text == '\0' && end == '"') {
            story_fail("a quotation mark is missing");
        }

        if (*text) {
            *text++ = '\0';
        }
    }
}


static size_t
count_words(const char *sentence)
{
    size_t  n = 0;

    while (*sentence) {
        n++;
        sentence += strcspn(sentence, " ");
        sentence += strspn(sentence, " ");
    }

    return n;
}


/* Is this the sentence?  Then its own words are in given. */

static int
is_sentence(const char *sentence, char **words, size_t n,
    char *given[MAX_WORDS], size_t *ngiven)
{
    size_t  len, own, left = count_words(sentence);

    *ngiven = 0;

    for ( ; left && n >= left; left--) {
        len = strcspn(sentence, " ");

        /* all words but those of the rest of the sentence */
        own = *sentence == '*' ? n - left + 1 : 1;

        if (*sentence == '*' || *sentence == '$') {
            memcpy(given + *ngiven, words, own * sizeof(char *));
            *ngiven += own;

        } else if (strlen(*words) != len
                   || memcmp(*words, sentence, len) != 0)
        {
            return 0;
        }

        words += own;
        n -= own;
        sentence += len;
        sentence += strspn(sentence, " ");
    }

    return left == 0 && n == 0;
}


void
story_play(const char *text)
{
    char    buf[MAX_LINE], *words[MAX_WORDS], *given[MAX_WORDS];
    size_t  n, ngiven;

    if (strlen(text) >= sizeof(buf)) {
        story_fail("a line is longer than %d bytes", MAX_LINE);
    }

    strcpy(buf, text);
    n = split(buf, words);

    for (const sentence_t *s = stories->sentences; n && s->sentence; s++) {
        if (is_sentence(s->sentence, words, n, given, &ngiven)) {
            s->play(given, ngiven);
            return;
        }
    }

    if (n) {
        story_fail("not known: %s", text);
    }
}


char *
story_join(char **word, size_t n)
{
    size_t   len = 0;
    char    *text = story_must(malloc(MAX_LINE));

    for (size_t i = 0; i < n && len < MAX_LINE; i++) {
        len += (size_t) snprintf(text + len, MAX_LINE - len, "\"%s\" ",
                                 word[i]);
    }

    return text;
}


/*
 * Stories
 */

static void
play(FILE *file)
{
    char    text[MAX_LINE], first[MAX_LINE];

    stories->begin();

    for (line = 1; fgets(text, sizeof(text), file) != NULL; line++) {
        if (sscanf(text, "%s", first) != 1 || first[0] == '#') {
            continue;
        }

        stories->around(first, 0);
        story_play(text);
        stories->around(first, 1);
    }

    stories->end();
}


int
story_main(const stories_t *s, const char *name)
{
    FILE  *file = fopen(name, "r");

    stories = s;
    path = name;
    nruns = 1;

    if (file == NULL) {
        perror(name);
        return 2;
    }

    for (run = 1; run <= nruns; run++) {
        chosen = 0;
        rewind(file);
        play(file);
    }

    fclose(file);
    printf("played %zu times\n", nruns);

    return 0;
}
