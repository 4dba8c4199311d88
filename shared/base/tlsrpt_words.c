/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tlsrpt_domain.h"
#include "tlsrpt_words.h"


/*
 * Names
 */

static tlsrpt_str_t
value_of(const tlsrpt_names_t *names, const char *name, size_t len)
{
    tlsrpt_str_t  none = { NULL, 0 };

    for (size_t i = 0; i < names->n; i++) {
        if (strlen(names->list[i].name) == len
            && memcmp(names->list[i].name, name, len) == 0)
        {
            return names->list[i].value;
        }
    }

    return none;
}


void
tlsrpt_name(tlsrpt_names_t *names, const char *name, tlsrpt_str_t value)
{
    size_t  i = 0;

    while (i < names->n && strcmp(names->list[i].name, name) != 0) {
        i++;
    }

    if (i == TLSRPT_MAX_NAMES) {
        return;
    }

    names->n += i == names->n;
    names->list[i].name = name;
    names->list[i].value = value;
}


void
tlsrpt_name_made(tlsrpt_names_t *names, const char *name, const char *format,
    ...)
{
    int           n;
    va_list       args;
    size_t        room = TLSRPT_NAMES_SIZE - names->len;
    tlsrpt_str_t  value = { NULL, 0 };

    va_start(args, format);
    n = vsnprintf(names->text + names->len, room, format, args);
    va_end(args);

    if (n >= 0 && (size_t) n < room) {
        value.data = names->text + names->len;
        value.len = (size_t) n;
        names->len += value.len + 1;
    }

    tlsrpt_name(names, name, value);
}


void
tlsrpt_name_count(tlsrpt_names_t *names, const char *name, uint64_t n,
    const char *noun)
{
    char    digits[24], grouped[32];
    size_t  len = (size_t) snprintf(digits, sizeof(digits), "%llu",
                                    (unsigned long long) n);
    size_t  to = 0;

    for (size_t i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0) {
            grouped[to++] = ',';
        }

        grouped[to++] = digits[i];
    }

    grouped[to] = '\0';
    tlsrpt_name_made(names, name, "%s %s%s", grouped, noun, n == 1 ? "" : "s");
}


static int
is_host(tlsrpt_str_t s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!tlsrpt_is_alnum(s.data[i]) && s.data[i] != '.' && s.data[i] != '_'
            && (s.data[i] != '-' || i == 0))
        {
            return 0;
        }
    }

    return s.len > 0 && s.len <= TLSRPT_DOMAIN_LEN;
}


void
tlsrpt_name_mx(tlsrpt_names_t *names, tlsrpt_str_t mx)
{
    tlsrpt_str_t  none = { NULL, 0 };

    tlsrpt_name(names, "mx", mx);
    tlsrpt_name(names, "host", is_host(mx) ? mx : none);
}


/*
 * Texts
 */

static void
add(tlsrpt_words_t *w, const char *s, size_t len)
{
    size_t  room = TLSRPT_WORDS_SIZE - 1 - w->len;

    len = len < room ? len : room;
    memcpy(w->data + w->len, s, len);
    w->len += len;
    w->data[w->len] = '\0';
}


int
tlsrpt_say(tlsrpt_words_t *w, const tlsrpt_names_t *names, const char *text)
{
    size_t        before = w->len, len;
    tlsrpt_str_t  value;

    if (text == NULL) {
        return 0;
    }

    while (*text) {
        len = strcspn(text, "{");
        add(w, text, len);
        text += len;

        if (*text == '\0') {
            break;
        }

        len = strcspn(++text, "}");
        value = value_of(names, text, len);

        if (value.data == NULL) {
            w->len = before;
            w->data[before] = '\0';
            return 0;
        }

        add(w, value.data, value.len);
        text += len + (text[len] == '}');
    }

    add(w, " ", 1);

    return 1;
}


void
tlsrpt_say_all(tlsrpt_words_t *w, const tlsrpt_names_t *names,
    const char *section, const char *name)
{
    int                   n = 0;
    char                  number[8];
    const tlsrpt_wording_t  *first = tlsrpt_texts_of(section);

    for (const tlsrpt_wording_t *t = first;
         t != NULL && tlsrpt_is_text_of(t, section); t++)
    {
        n += strcmp(t->name, name) == 0;
    }

    if (n > 1) {
        tlsrpt_say(w, names, tlsrpt_text("causes", "first"));
    }

    for (int i = 0; i < n; first++) {
        if (strcmp(first->name, name) != 0) {
            continue;
        }

        if (n > 1) {
            add(w, number, (size_t) snprintf(number, sizeof(number), "(%d) ",
                                             i + 1));
        }

        tlsrpt_say(w, names, first->text);
        i++;
    }
}


static int
take_step(const tlsrpt_names_t *names, const char *text, const char *run,
    tlsrpt_take_step_pt take, void *ctx, int *said)
{
    tlsrpt_words_t  w, command;

    w.len = 0;
    command.len = 0;
    *said = tlsrpt_say(&w, names, text);

    if (!*said) {
        return 0;
    }

    tlsrpt_say_no_more(&w);

    if (tlsrpt_say(&command, names, run)) {
        tlsrpt_say_no_more(&command);
    }

    return take(ctx, &w, command.len ? &command : NULL);
}


int
tlsrpt_steps(const tlsrpt_names_t *names, const char *section,
    const char *name, tlsrpt_take_step_pt take, void *ctx)
{
    int                   said = 1;         /* the last one of the name */
    const tlsrpt_wording_t  *t = tlsrpt_texts_of(section);

    for ( ; t != NULL && tlsrpt_is_text_of(t, section); t++) {
        const int    is_run = strcmp(t->name, "run") == 0;
        const int    is_else = strcmp(t->name, "else") == 0;
        const char  *run = tlsrpt_is_text_of(t + 1, section)
                           && strcmp(t[1].name, "run") == 0 ? t[1].text : NULL;

        if (strcmp(t->name, name) == 0 || (is_else && !said)) {
            if (take_step(names, t->text, run, take, ctx, &said) != 0) {
                return -1;
            }

        } else if (!is_run && !is_else) {
            said = 1;
        }
    }

    return 0;
}


void
tlsrpt_say_no_more(tlsrpt_words_t *w)
{
    while (w->len && w->data[w->len - 1] == ' ') {
        w->len--;
    }

    w->data[w->len] = '\0';
}


/* Senders' text may be cut within a character: then there is none of it. */

json_t *
tlsrpt_words_json(const tlsrpt_words_t *w)
{
    size_t   len = w->len;
    json_t  *json;

    do {
        json = json_stringn(w->data, len);
    } while (json == NULL && len-- > 0 && w->len - len < 4);

    return json != NULL ? json : json_string("");
}


int
tlsrpt_step_json(void *steps, const tlsrpt_words_t *text,
    const tlsrpt_words_t *command)
{
    json_t  *json = json_pack("{s:o}", "text", tlsrpt_words_json(text));

    if (json != NULL && command != NULL
        && json_object_set_new(json, "command", tlsrpt_words_json(command))
           != 0)
    {
        json_decref(json);
        json = NULL;
    }

    return json_array_append_new(steps, json);
}
