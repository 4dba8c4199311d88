/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Incidents: what is said of days of reports, from t/incidents/README.  With
 * INCIDENT=NAME in the environment one of them is told as a user reads it; with
 * STATES=FOLDER each problem goes into a file there as it is kept while it is
 * open, which is what tools/make-dictionary reads.
 */

#define _DEFAULT_SOURCE                     /* scandir() */

#include <dirent.h>

#include "incident.h"

#define DIR_NAME  "t/incidents"


/*
 * What must be said
 */

static void
write_state(const char *folder, json_t *p)
{
    char           path[600];
    json_t        *state;
    const json_t  *server = json_array_get(json_object_get(p,
                                "receiving-mx-hostnames"), 0);
    static int     number;

    json_array_clear(json_object_get(p, "by-day"));
    state = json_pack("{s:[{s:O, s:s, s:O, s:O, s:O, s:s, s:O}], s:[], s:[]}",
                      "open", "type", json_object_get(p, "result-type"),
                      "cause", server != NULL ? json_string_value(server)
                               : "example.com",
                      "id", json_object_get(p, "id"),
                      "opened", json_object_get(p, "first-day"),
                      "severity", json_object_get(p, "severity"),
                      "lost", number % 2 ? "yes" : number % 4 ? "no"
                              : "perhaps", "problem", p, "past", "waiting");
    snprintf(path, sizeof(path), "%s/%04d", folder, number++);

    if (json_dump_file(state, path, JSON_COMPACT) != 0) {
        give_up("its state cannot be written");
    }

    json_decref(state);
}


static void
write_states(json_t *problems)
{
    size_t       i;
    json_t      *p;
    const char  *folder = getenv("STATES");

    json_array_foreach(problems, i, p) {
        if (folder != NULL) {
            write_state(folder, p);
        }
    }
}


/* A member as text; steps: their text and commands. */

static const char *
text_of(const json_t *p, const char *name)
{
    static char    text[20000];
    const json_t  *value = json_object_get(p, name);
    char          *dump;
    const char    *run;

    if (strcmp(name, "attack") == 0) {
        value = json_object_get(p, "possible-attack");

    } else if (strcmp(name, "lost") == 0) {
        value = json_object_get(p, "lost-mail");

    } else if (strcmp(name, "cause") == 0) {
        value = json_object_get(p, "likely-cause");

    } else if (strcmp(name, "count") == 0) {
        value = json_object_get(p, "failed-session-count");

    } else if (strncmp(name, "step", 4) == 0 && name[4] >= '1'
               && name[4] <= '9')
    {
        value = json_array_get(json_object_get(p, "steps"),
                               (size_t) (name[4] - '1'));
        run = json_string_value(json_object_get(value, "command"));
        snprintf(text, sizeof(text), "%s%s%s", value != NULL
                 ? json_string_value(json_object_get(value, "text")) : "(none)",
                 run ? " $ " : "", run ? run : "");

        return text;
    }

    if (json_is_string(value)) {
        return json_string_value(value);
    }

    dump = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    snprintf(text, sizeof(text), "%s", dump ? dump : "(none)");
    free(dump);

    return text;
}


static json_t *
find_problem(json_t *problems, const char *which)
{
    size_t   i;
    json_t  *p;

    if (*which >= '1' && *which <= '9') {
        return json_array_get(problems, (size_t) atoi(which) - 1);
    }

    json_array_foreach(problems, i, p) {
        if (strcmp(text_of(p, "result-type"), which) == 0) {
            return p;
        }
    }

    return NULL;
}


static void
check(const json_t *p, const char *name, const char *how, const char *what)
{
    int          passed = 0;
    const char  *text = text_of(p, name);

    if (strcmp(how, "has") == 0) {
        passed = strstr(text, what) != NULL;

    } else if (strcmp(how, "lacks") == 0) {
        passed = strstr(text, what) == NULL && strcmp(text, "(none)") != 0;

    } else if (strcmp(how, "is") == 0) {
        passed = strcmp(text, what) == 0;

    } else if (strcmp(how, "begins") == 0) {
        passed = strncmp(text, what, strlen(what)) == 0;

    } else {
        give_up(how);
    }

    if (!ok(passed, "%s:%u: %s %s %s", file_name, line_number, name, how, what))
    {
        tap_show(" got", text);
    }
}


/* "problems N", "of TYPE|N" (what follows is of it), "NAME has|lacks|is|begins
   TEXT" */

static void
expect(json_t *problems, const json_t **p, char **words, size_t n)
{
    if (n == 2 && strcmp(words[0], "problems") == 0) {
        is_int((long long) json_array_size(problems), atoi(words[1]),
               "%s:%u: problems", file_name, line_number);

    } else if (n == 2 && strcmp(words[0], "of") == 0) {
        *p = find_problem(problems, words[1]);
        ok(*p != NULL, "%s:%u: of %s", file_name, line_number, words[1]);

    } else if (n == 3) {
        check(*p, words[0], words[1], words[2]);

    } else {
        give_up("NAME has|lacks|is|begins TEXT");
    }
}


static void
tell(const json_t *problems)
{
    size_t    i, k;
    json_t   *p, *step;
    static const char *const  names[] = {
        "title", "severity", "ongoing", "count", "meaning", "cause", "lost",
        "attack", "contacts", "via", "signed-by"
    };

    json_array_foreach((json_t *) problems, i, p) {
        printf("#\n");

        for (k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
            printf("# %s: %s\n", names[k], text_of(p, names[k]));
        }

        json_array_foreach(json_object_get(p, "steps"), k, step) {
            printf("# step %zu: %s\n", k + 1, text_of(step, "text"));

            if (json_object_get(step, "command")) {
                printf("#     $ %s\n", text_of(step, "command"));
            }
        }
    }
}


/*
 * Incidents
 */

static void
begin(void)
{
    for (size_t i = 0; i < NDAYS; i++) {
        list_free(&days[i].list);
        free(days[i].day_log);
    }

    memset(days, 0, sizeof(days));
    newest = 0;
    nreports = 0;
    npolicies = 0;
    is_served = 0;
    range[0] = 29;
    range[1] = 0;
    today = tlsrpt_day_of(NOW);             /* a Tuesday */
}


static void
run_line(char *line, int *asked, const json_t **p)
{
    char           *words[MAX_WORDS];
    size_t          n = split(line, words);
    static json_t  *problems;

    if (n == 0) {
        return;
    }

    if (strcmp(words[0], "says") == 0) {
        problems = ask_problems();
        write_states(problems);
        *p = json_array_get(problems, 0);
        *asked = 1;

        if (getenv("INCIDENT") != NULL) {
            tell(problems);
        }

    } else if (*asked) {
        expect(problems, p, words, n);

    } else if (strcmp(words[0], "policy") == 0) {
        add_policy(words, n);

    } else if (strcmp(words[0], "served") == 0) {
        serve(words, n);

    } else if (strcmp(words[0], "range") == 0 && n == 3) {
        range[0] = (int32_t) atoi(words[1]);
        range[1] = (int32_t) atoi(words[2]);

    } else if (strcmp(words[0], "today") == 0 && n == 2) {
        if (tlsrpt_day_parse(words[1], strlen(words[1]), &today) != 0) {
            give_up("today YYYY-MM-DD");
        }

    } else if (n == 3 && strcmp(words[0], "overflow") == 0) {
        days[LAST - atoi(words[1])].overflow += (uint64_t) atoi(words[2]);

    } else {
        report(words, n);
    }
}


static void
run(const char *name)
{
    int            asked = 0;
    char           path[300], line[4096];
    FILE          *file;
    const json_t  *p = NULL;

    snprintf(path, sizeof(path), "%s/%s", DIR_NAME, name);
    file = fopen(path, "r");
    file_name = name;
    line_number = 0;

    if (file == NULL) {
        give_up("cannot be read");
    }

    begin();

    while (fgets(line, sizeof(line), file) != NULL) {
        line_number++;
        line[strcspn(line, "\n")] = '\0';
        run_line(line, &asked, &p);
    }

    fclose(file);

    if (!asked) {
        give_up("nothing is expected");
    }

    json_decref(answer_json);
    answer_json = NULL;
}


static int
is_incident(const struct dirent *entry)
{
    const char  *only = getenv("INCIDENT");
    const char  *end = strrchr(entry->d_name, '.');

    return end != NULL && strcmp(end, ".txt") == 0
           && (only == NULL || strstr(entry->d_name, only) != NULL);
}


int
main(void)
{
    struct dirent  **entries;
    int              n = scandir(DIR_NAME, &entries, is_incident, alphasort);

    setbuf(stdout, NULL);
    reader = tlsrpt_reader_create();
    ok(n > 0, "there are incidents");

    for (int i = 0; i < n; i++) {
        run(entries[i]->d_name);
        free(entries[i]);
    }

    if (n > 0) {
        free(entries);
    }

    begin();
    tlsrpt_reader_destroy(reader);

    return done();
}
