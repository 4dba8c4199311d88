/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Stories: what becomes of problems over days of reports, from
 * t/stories/README.  With STORY=NAME in the environment one of them is told.
 */

#define _DEFAULT_SOURCE                     /* scandir() */

#include <dirent.h>

#include "incident.h"
#include "tlsrpt_state.h"
#include "tlsrpt_transition.h"

#define DIR_NAME  "t/stories"
#define BEFORE    100                       /* days that a story may tell of */
#define MAX_IDS   64

static int64_t              now;
static tlsrpt_transition_t  result;
static size_t               ntold;
static char                 last_id[64];    /* of the event just told */
static json_t              *ids;            /* name -> id */


/*
 * Looking: reading, transition, and the state kept as in Redis
 */

static void
keep_state(void)
{
    kept.len = 0;

    if (result.state != NULL && tlsrpt_state_write(result.state, &kept) != 0) {
        abort();
    }
}


static void
transit(tlsrpt_lookup_t *lookup, const json_t *old, const tlsrpt_follow_t *how)
{
    tlsrpt_found_t  found;

    tlsrpt_transition_free(&result);

    if (tlsrpt_problems_found(lookup, &found) != 0
        || tlsrpt_transition(found.evidence, found.list, found.n, old, how,
                             &result) != 0)
    {
        abort();
    }
}


static void
show_events(void)
{
    char  *text = json_dumps(result.events, JSON_INDENT(1));

    tap_show("events", text);
    free(text);
    text = json_dumps(result.state, JSON_INDENT(1));
    tap_show("state", text ? text : "none");
    free(text);
}


static void
all_told(void)
{
    if (!ok(ntold == json_array_size(result.events),
            "%s:%u: nothing else was told", file_name, line_number))
    {
        show_events();
    }
}


static void
look(char **words, size_t n)
{
    tlsrpt_state_t    state;
    tlsrpt_query_t    query;
    tlsrpt_reply_t    reply;
    tlsrpt_lookup_t  *lookup;
    tlsrpt_follow_t   how = { .now = now };

    for (size_t i = 1; i < n; i++) {
        how.quiet |= strcmp(words[i], "quiet") == 0;
        how.late |= strcmp(words[i], "late") == 0;
    }

    answer_state(&reply);

    if (tlsrpt_state_read(&reply, &state) != 0) {
        abort();
    }

    tlsrpt_query_init(&query, now);
    lookup = tlsrpt_problems_follow(&query, str("example.com"), str("t"),
                                    is_served ? &served : NULL, now,
                                    state.json);
    answer_all_of(lookup);
    transit(lookup, state.json, &how);
    lookup->type->destroy(lookup);
    tlsrpt_state_free(&state);
    keep_state();
    ntold = 0;

    if (getenv("STORY") != NULL) {
        show_events();
    }
}


/*
 * What must have become of them
 */

static int
has_word(char **words, size_t n, const char *word)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(words[i], word) == 0) {
            return 1;
        }
    }

    return 0;
}


static const char *
string_of(const json_t *object, const char *name)
{
    const char  *text = json_string_value(json_object_get(object, name));

    return text ? text : "(none)";
}


static void
told(char **words, size_t n)
{
    const json_t  *item = json_array_get(result.events, ntold++);
    const json_t  *event = json_object_get(item, "event");
    const json_t  *problem = json_object_get(item, "problem");
    const int      late = has_word(words + 3, n - 3, "late");
    const int      unverified = has_word(words + 3, n - 3, "unverified");
    const int      of_one = strncmp(words[1], "problem-", 8) == 0;

    snprintf(last_id, sizeof(last_id), "%s", string_of(event, "problem-id"));

    if (!ok(strcmp(string_of(event, "type"), words[1]) == 0
            && strstr(string_of(event, "title"), words[2]) != NULL
            && (json_object_get(event, "late") != NULL) == late
            && (json_object_get(item, "unverified") != NULL) == unverified
            && (problem != NULL) == of_one
            && (!of_one || strcmp(string_of(problem, "id"), last_id) == 0)
            && strlen(string_of(event, "id")) == 16
            && strcmp(string_of(event, "domain"), "example.com") == 0,
            "%s:%u: told %s %s", file_name, line_number, words[1], words[2]))
    {
        show_events();
    }
}


/* Those that come next and that not everybody is told. */

static void
skip(void)
{
    while (json_object_get(json_array_get(result.events, ntold), "unverified"))
    {
        ntold++;
    }
}


static void
check_id(const char *name)
{
    int          passed = 1;
    const char  *other;
    json_t      *id, *known = json_object_get(ids, name);

    json_object_foreach(ids, other, id) {
        if (strcmp(other, name) != 0) {
            passed &= strcmp(json_string_value(id), last_id) != 0;
        }
    }

    passed &= known == NULL || strcmp(json_string_value(known), last_id) == 0;
    ok(passed, "%s:%u: id %s", file_name, line_number, name);
    json_object_set_new(ids, name, json_string(last_id));
}


static const json_t *
entry_of(const char *type)
{
    size_t   i;
    json_t  *entry;

    json_array_foreach(json_object_get(result.state, "open"), i, entry) {
        if (strcmp(string_of(entry, "type"), type) == 0) {
            return entry;
        }
    }

    return NULL;
}


static void
check_entry(const char *type, const char *key, const char *want)
{
    const json_t  *entry = entry_of(type);
    const json_t  *value = json_object_get(entry, key);
    char          *text = value == NULL ? NULL
                          : json_is_string(value)
                          ? strdup(json_string_value(value))
                          : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

    ok(entry != NULL, "%s:%u: %s is open", file_name, line_number, type);
    is_str(text ? text : "-", strcmp(want, "?") == 0 && text ? text : want,
           "%s:%u: %s", file_name, line_number, key);
    free(text);
}


static void
check_number(const char *what, long long want)
{
    const char *const  lists[][2] = { { "open", "open" }, { "past", "past" },
                                      { "waits", "waiting" },
                                      { "senders", "senders" } };

    for (size_t i = 0; i < 4; i++) {
        if (strcmp(what, lists[i][0]) == 0) {
            is_int((long long) json_array_size(json_object_get(result.state,
                                                               lists[i][1])),
                   want, "%s:%u: %s", file_name, line_number, what);
        }
    }

    if (strcmp(what, "open") == 0) {
        is_int(result.open, want, "%s:%u: counted", file_name, line_number);

    } else if (strcmp(what, "worst") == 0) {
        is_int(result.worst, want, "%s:%u: worst", file_name, line_number);

    } else if (strcmp(what, "next") == 0) {
        is_int(result.next, want * 3600, "%s:%u: next", file_name,
               line_number);
    }
}


/*
 * Stories
 */

static void
set_day(const char *number, const char *hour)
{
    int  h = 12, m = 0;

    if (hour != NULL && sscanf(hour, "%d:%d", &h, &m) != 2) {
        give_up("day N [HH:MM]");
    }

    today = tlsrpt_day_of(NOW) + atoi(number) - 1;
    now = (int64_t) today * TLSRPT_DAY + h * 3600 + m * 60;
}


static void
run_words(char **words, size_t n)
{
    static json_t        *problems;
    static const json_t  *p;

    if (n == 0) {
        return;
    }

    if (strcmp(words[0], "day") == 0 && n > 1) {
        set_day(words[1], n > 2 ? words[2] : NULL);

    } else if (strcmp(words[0], "check") == 0 && n == 2) {
        read_check(words[1], now, seen_text);

    } else if (strcmp(words[0], "versions") == 0 && n == 2) {
        read_check(words[1], now, versions_text);

    } else if (strcmp(words[0], "look") == 0) {
        all_told();
        look(words, n);

    } else if (strcmp(words[0], "told") == 0 && n > 2) {
        told(words, n);

    } else if (strcmp(words[0], "skip") == 0) {
        skip();

    } else if (strcmp(words[0], "nothing") == 0) {
        all_told();

    } else if (strcmp(words[0], "id") == 0 && n == 2 && ntold) {
        check_id(words[1]);

    } else if (strcmp(words[0], "entry") == 0 && n == 4) {
        check_entry(words[1], words[2], words[3]);

    } else if (strcmp(words[0], "state") == 0) {
        ok(result.state == NULL, "%s:%u: nothing is kept", file_name,
           line_number);

    } else if (n == 2 && strchr("0123456789", *words[1])
               && has_word((char *[]) { "open", "waits", "past", "worst",
                                        "next", "senders" }, 6, words[0]))
    {
        check_number(words[0], atoi(words[1]));

    } else if (strcmp(words[0], "says") == 0) {
        problems = ask_problems();
        p = json_array_get(problems, 0);

    } else if (strcmp(words[0], "range") == 0 && n == 3) {
        range[0] = (int32_t) atoi(words[1]);
        range[1] = (int32_t) atoi(words[2]);

    } else if (strcmp(words[0], "policy") == 0) {
        add_policy(words, n);

    } else if (strcmp(words[0], "served") == 0) {
        serve(words, n);

    } else if (strchr("0123456789", *words[0])) {
        report(words, n);

    } else {
        expect(problems, &p, words, n);
    }
}


static void
run_line(const char *line)
{
    char    copy[4096];
    char   *words[MAX_WORDS];

    snprintf(copy, sizeof(copy), "%s", line);
    run_words(words, split(copy, words));
}


/* "times N LINE" */

static void
run_times(const char *line)
{
    char        *rest, text[4096];
    const long   n = strtol(line + strlen("times "), &rest, 10);

    for (long i = 0; i < n; i++) {
        size_t  len = 0;

        for (const char *s = rest; *s && len < sizeof(text) - 24; s++) {
            if (strncmp(s, "{n}", 3) == 0) {
                len += (size_t) sprintf(text + len, "%ld", i);
                s += 2;

            } else {
                text[len++] = *s;
            }
        }

        text[len] = '\0';
        run_line(text);
    }
}


static void
run(const char *name)
{
    char   path[300], line[4096];
    FILE  *file;

    snprintf(path, sizeof(path), "%s/%s", DIR_NAME, name);
    file = fopen(path, "r");
    file_name = name;
    line_number = 0;

    if (file == NULL) {
        give_up("cannot be read");
    }

    begin(tlsrpt_day_of(NOW), BEFORE);
    set_day("1", NULL);
    ids = json_object();

    while (fgets(line, sizeof(line), file) != NULL) {
        line_number++;
        line[strcspn(line, "\n")] = '\0';

        if (strncmp(line, "times ", 6) == 0) {
            run_times(line);

        } else {
            run_line(line);
        }
    }

    fclose(file);

    if (result.events == NULL) {
        give_up("nobody looks");
    }

    all_told();
    tlsrpt_transition_free(&result);
    ntold = 0;
    json_decref(ids);
    json_decref(answer_json);
    answer_json = NULL;
}


/*
 * A state that something else wrote: what is no entry is left out
 */

static size_t
followed(const char *text)
{
    tlsrpt_query_t    query;
    tlsrpt_lookup_t  *lookup;
    json_t           *state = json_loads(text, 0, NULL);
    tlsrpt_follow_t   how = { .now = now };

    tlsrpt_query_init(&query, now);
    lookup = tlsrpt_problems_follow(&query, str("example.com"), str("t"), NULL,
                                    now, state);
    answer_all_of(lookup);
    transit(lookup, state, &how);
    lookup->type->destroy(lookup);
    json_decref(state);

    return json_array_size(result.events)
           + json_array_size(json_object_get(result.state, "past"));
}


#define ENTRY  "\"type\":\"a\",\"cause\":\"policy\",\"id\":\"1\","         \
               "\"opened\":\"2026-01-01\",\"severity\":\"low\""

static void
test_malformed(void)
{
    static const char *const  states[] = {
        "[]", "{\"open\":1}", "{\"open\":[1,null,\"a\",{}],\"past\":[{}]}",
        "{\"open\":[{" ENTRY "}]}", "{\"open\":[{" ENTRY ",\"problem\":1}]}",
        "{\"past\":[{" ENTRY "}]}", "{\"past\":[{" ENTRY ",\"ended\":\"x\"}]}",
        "{\"waiting\":[1,{},{\"type\":\"a\"}]}",
        "{\"senders\":[1,{},{\"id\":1},{\"id\":\"a\",\"day\":\"x\"}]}"
    };

    begin(tlsrpt_day_of(NOW), BEFORE);
    set_day("1", NULL);

    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        is_int((long long) followed(states[i]), 0, "%s", states[i]);
    }

    is_int((long long) followed("{\"open\":[{" ENTRY ",\"problem\":{}}]}"), 2,
           "one that has ended");
    is_int((long long) followed("{\"past\":[{" ENTRY ","
                                "\"ended\":\"2026-01-02\"}]}"),
           1, "and one that is past");
    tlsrpt_transition_free(&result);
}


static int
is_story(const struct dirent *entry)
{
    const char  *only = getenv("STORY");
    const char  *end = strrchr(entry->d_name, '.');

    return end != NULL && strcmp(end, ".txt") == 0
           && (only == NULL || strstr(entry->d_name, only) != NULL);
}


int
main(void)
{
    struct dirent  **entries;
    int              n = scandir(DIR_NAME, &entries, is_story, alphasort);

    setbuf(stdout, NULL);
    reader = tlsrpt_reader_create();
    ok(n > 0, "there are stories");

    for (int i = 0; i < n; i++) {
        run(entries[i]->d_name);
        free(entries[i]);
    }

    if (n > 0) {
        free(entries);
    }

    test_malformed();
    begin(0, 0);
    tlsrpt_buf_free(&kept);
    tlsrpt_reader_destroy(reader);

    return done();
}
