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
 * What is shown, and written
 */

static void
write_state(const char *folder, json_t *p)
{
    char           path[600], id[20], cause[300];
    json_t        *state;
    const char    *first = text_of(p, "first-day");
    const json_t  *server = json_array_get(json_object_get(p,
                                "receiving-mx-hostnames"), 0);
    static int     number;

    snprintf(id, sizeof(id), "%016llx", (unsigned long long) ++number
             * 11400714819323198485ULL);
    snprintf(cause, sizeof(cause), "%s %s", server ? "mx" : "domain",
             server ? json_string_value(server) : "example.com");
    json_array_clear(json_object_get(p, "by-day"));
    json_object_set_new(p, "id", json_string(id));

    state = json_pack("{s:[{s:O, s:s, s:s, s:s, s:O, s:s, s:O}],"
                      " s:[{s:O, s:s, s:s, s:s, s:s, s:O}], s:[]}",
                      "open", "type", json_object_get(p, "result-type"),
                      "cause", cause, "id", id, "opened", first,
                      "severity", json_object_get(p, "severity"), "lost",
                      number % 2 ? "yes" : number % 4 ? "no" : "perhaps",
                      "problem", p, "past",
                      "type", json_object_get(p, "result-type"),
                      "cause", cause, "id", id, "opened", first,
                      "ended", first,
                      "severity", json_object_get(p, "severity"), "waiting");

    if (number % 3) {
        json_array_clear(json_object_get(state, "past"));
    }

    snprintf(path, sizeof(path), "%s/%04d", folder, number);

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

    if (folder == NULL) {
        return;
    }

    json_array_foreach(problems, i, p) {
        p = json_deep_copy(p);
        write_state(folder, p);
        json_decref(p);
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

    } else if (strcmp(words[0], "fetched") == 0) {
        fetch(words, n);

    } else if (strcmp(words[0], "counted") == 0) {
        count_node(words, n);

    } else if (strcmp(words[0], "range") == 0 && n == 3) {
        range[0] = (int32_t) atoi(words[1]);
        range[1] = (int32_t) atoi(words[2]);

    } else if (strcmp(words[0], "today") == 0 && n == 2) {
        if (tlsrpt_day_parse(words[1], strlen(words[1]), &today) != 0) {
            give_up("today YYYY-MM-DD");
        }

        first_day = today - LAST;

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

    begin(tlsrpt_day_of(NOW), LAST);        /* a Tuesday */

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

    begin(0, 0);
    tlsrpt_reader_destroy(reader);

    return done();
}
