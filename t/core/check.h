/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What checks see, and what is served, as t/check has it.
 */

#ifndef T_CHECK_H
#define T_CHECK_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

__attribute__((unused))
static void
move_times(json_t *json, int64_t by)
{
    void        *at;
    size_t       i;
    json_t      *value;
    const char  *name;

    if (json_is_integer(json) && json_integer_value(json) > 1000000000) {
        json_integer_set(json, json_integer_value(json) + by);
    }

    json_object_foreach_safe(json, at, name, value) {
        move_times(value, by);
    }

    json_array_foreach(json, i, value) {
        move_times(value, by);
    }
}


/* A file of t/check, of which the looks were just now. */

#define CHECKED_AT  1768910400              /* in all of them: 2026-01-20 */

__attribute__((unused))
static void
read_check(const char *name, int64_t now, char text[65536])
{
    char     path[256], *dump;
    json_t  *json;

    snprintf(path, sizeof(path), "t/check/%s.json", name);
    text[0] = '\0';

    if (strcmp(name, "none") == 0) {
        return;
    }

    json = json_load_file(path, 0, NULL);
    move_times(json, now - CHECKED_AT);
    dump = json ? json_dumps(json, 0) : NULL;

    if (dump == NULL) {
        fprintf(stderr, "%s cannot be read\n", path);
        abort();
    }

    snprintf(text, 65536, "%s", dump);
    free(dump);
    json_decref(json);
}

#endif /* T_CHECK_H */
