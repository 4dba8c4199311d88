/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tlsrpt_state.h"
#include "tlsrpt_zstd.h"


#define FORMAT      TLSRPT_ZSTD_PROBLEMS
#define MAX_NUMBER  1000000
#define SHORT_LIST  3                       /* of a state that is too long */
#define SENDERS     3                       /* of lists */

static const struct {
    const char  *name;
    size_t       max;
} lists[] = {
    { "open",    TLSRPT_STATE_OPEN },
    { "past",    TLSRPT_STATE_PAST },
    { "waiting", TLSRPT_STATE_WAITING },
    { "senders", TLSRPT_STATE_SENDERS }
};


/*
 * Reading
 */

/* A number.  0; -1: there is none. */

static int
read_number(tlsrpt_str_t *text, unsigned *n)
{
    size_t  len = text->len;

    *n = 0;

    while (text->len && tlsrpt_is_digit(*text->data) && *n < MAX_NUMBER) {
        *n = *n * 10 + (unsigned) (*text->data - '0');
        text->data++;
        text->len--;
    }

    return text->len < len ? 0 : -1;
}


static int
read_char(tlsrpt_str_t *text, char c)
{
    if (text->len == 0 || *text->data != c) {
        return -1;
    }

    text->data++;
    text->len--;

    return 0;
}


int
tlsrpt_state_mark(const tlsrpt_reply_t *value, unsigned *rules,
    unsigned *open)
{
    tlsrpt_str_t  text = { value->str, value->len };

    *rules = *open = 0;

    if (value->type != TLSRPT_REPLY_STRING || read_number(&text, rules) != 0
        || read_char(&text, ' ') != 0 || read_number(&text, open) != 0
        || text.len != 0)
    {
        *rules = *open = 0;
        return -1;
    }

    return 0;
}


const tlsrpt_command_t *
tlsrpt_state_get(tlsrpt_key_read_t *read, tlsrpt_str_t prefix,
    tlsrpt_str_t domain)
{
    tlsrpt_key_domain(&read->key, prefix, domain, TLSRPT_STATE_KEY);

    return tlsrpt_key_read(read, "GET", NULL, 0);
}


/* What stands before the JSON.  0; -1: it is no state. */

static int
read_head(tlsrpt_str_t *bytes, unsigned *format, unsigned *rules)
{
    *rules = 0;

    if (read_number(bytes, format) != 0 || read_char(bytes, ' ') != 0) {
        return -1;
    }

    if (*format > FORMAT) {
        return 0;                           /* whatever comes then */
    }

    return read_number(bytes, rules) == 0 && read_char(bytes, '\n') == 0
           && *format && *rules ? 0 : -1;
}


/* Its lists, of objects, no longer than they may be.  The last one came later
   than the others: it may be missing. */

static int
is_sound(const json_t *json)
{
    size_t   k;
    json_t  *entry;

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        json_t  *list = json_object_get(json, lists[i].name);

        if (list == NULL && i == SENDERS) {
            continue;
        }

        if (!json_is_array(list) || json_array_size(list) > lists[i].max) {
            return 0;
        }

        json_array_foreach(list, k, entry) {
            if (!json_is_object(entry)) {
                return 0;
            }
        }
    }

    return 1;
}


static int
read_json(unsigned format, tlsrpt_str_t bytes, json_t **json)
{
    int            rc;
    json_error_t   error;
    tlsrpt_buf_t   text = { NULL, 0, 0, 0 };

    *json = NULL;
    rc = tlsrpt_zstd_unpack_problems(format, bytes.data, bytes.len,
                                     TLSRPT_STATE_SIZE, &text);

    if (rc == 0) {
        *json = json_loadb(text.data, text.len, 0, &error);

        if (*json == NULL
            && json_error_code(&error) == json_error_out_of_memory)
        {
            rc = -1;
        }
    }

    tlsrpt_buf_free(&text);

    if (*json != NULL && !is_sound(*json)) {
        json_decref(*json);
        *json = NULL;
    }

    return rc < 0 ? -1 : 0;
}


int
tlsrpt_state_read(const tlsrpt_reply_t *reply, tlsrpt_state_t *state)
{
    unsigned      format, rules;
    tlsrpt_str_t  bytes;

    memset(state, 0, sizeof(*state));

    if (reply->type != TLSRPT_REPLY_STRING) {
        return 0;
    }

    bytes.data = reply->str;
    bytes.len = reply->len;

    if (read_head(&bytes, &format, &rules) != 0) {
        return 0;
    }

    if (format > FORMAT || rules > TLSRPT_STATE_RULES) {
        state->newer = 1;
        return 0;
    }

    if (read_json(format, bytes, &state->json) != 0) {
        return -1;
    }

    state->rules = state->json != NULL ? rules : 0;

    return 0;
}


void
tlsrpt_state_free(tlsrpt_state_t *state)
{
    json_decref(state->json);
    state->json = NULL;
}


/*
 * Writing
 */

static int
write_text(const char *text, size_t len, tlsrpt_buf_t *out)
{
    char  head[32];
    int   n = snprintf(head, sizeof(head), "%d %d\n", FORMAT,
                       TLSRPT_STATE_RULES);

    tlsrpt_buf_add(out, head, (size_t) n);

    return tlsrpt_zstd_pack_problems(out, text, len);
}


static void
shorten(json_t *problem)
{
    json_t      *value;
    const char  *name;

    json_object_foreach(problem, name, value) {
        while (json_is_array(value) && strcmp(name, "steps") != 0
               && json_array_size(value) > SHORT_LIST)
        {
            json_array_remove(value, json_array_size(value) - 1);
        }
    }
}


static json_t *
short_copy(const json_t *json)
{
    size_t   i;
    json_t  *entry, *copy = json_deep_copy(json);

    json_array_foreach(json_object_get(copy, "open"), i, entry) {
        shorten(json_object_get(entry, "problem"));
    }

    return copy;
}


int
tlsrpt_state_write(const json_t *json, tlsrpt_buf_t *out)
{
    int      rc;
    char    *text = json_dumps(json, JSON_COMPACT);
    json_t  *copy;

    if (text != NULL && strlen(text) > TLSRPT_STATE_SIZE) {
        free(text);
        copy = short_copy(json);
        text = copy != NULL ? json_dumps(copy, JSON_COMPACT) : NULL;
        json_decref(copy);
    }

    if (text == NULL) {
        return -1;
    }

    rc = write_text(text, strlen(text), out);
    free(text);

    return rc;
}


/*
 * What lists show of it
 */

static const char *
member(const json_t *entry, const char *name)
{
    const char  *text = json_string_value(json_object_get(entry, name));

    return text != NULL ? text : "";
}


/* The place of a word in a list that NULL ends, from 1 on; 0: in none. */

static unsigned
rank(const char *word, const char *const *words)
{
    for (unsigned i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], word) == 0) {
            return i + 1;
        }
    }

    return 0;
}


unsigned
tlsrpt_state_severity(const json_t *entry)
{
    static const char *const  words[] = { "low", "medium", "high", NULL };

    return rank(member(entry, "severity"), words);
}


static unsigned
lost_of(const json_t *entry)
{
    static const char *const  words[] = { "perhaps", "yes", NULL };

    return rank(member(entry, "lost"), words);
}


const char *
tlsrpt_state_title(const json_t *entry)
{
    return member(json_object_get(entry, "problem"), "title");
}


size_t
tlsrpt_state_nopen(const tlsrpt_state_t *state)
{
    return json_array_size(json_object_get(state->json, "open"));
}


static json_int_t
failed_of(const json_t *entry)
{
    return json_integer_value(json_object_get(json_object_get(entry, "problem"),
                                              "failed-session-count"));
}


/* In the order in which problems are shown; of equal ones the oldest. */
static int
is_worse(const json_t *a, const json_t *b)
{
    if (tlsrpt_state_severity(a) != tlsrpt_state_severity(b)) {
        return tlsrpt_state_severity(a) > tlsrpt_state_severity(b);
    }

    if (lost_of(a) != lost_of(b)) {
        return lost_of(a) > lost_of(b);
    }

    if (failed_of(a) != failed_of(b)) {
        return failed_of(a) > failed_of(b);
    }

    return strcmp(member(a, "opened"), member(b, "opened")) < 0;
}


const json_t *
tlsrpt_state_worst(const tlsrpt_state_t *state)
{
    size_t         i;
    json_t        *entry;
    const json_t  *worst = NULL;

    json_array_foreach(json_object_get(state->json, "open"), i, entry) {
        if (worst == NULL || is_worse(entry, worst)) {
            worst = entry;
        }
    }

    return worst;
}


const char *
tlsrpt_state_lost(const tlsrpt_state_t *state)
{
    size_t                    i;
    json_t                   *entry;
    unsigned                  most = 0;
    static const char *const  words[] = { "no", "perhaps", "yes" };

    json_array_foreach(json_object_get(state->json, "open"), i, entry) {
        if (lost_of(entry) > most) {
            most = lost_of(entry);
        }
    }

    return words[most];
}
