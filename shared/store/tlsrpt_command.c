/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include "tlsrpt_command.h"


static const char  *time_argv[] = { "TIME" };
static size_t       time_argvlen[] = { 4 };

const tlsrpt_command_t  tlsrpt_command_time = {
    1, time_argv, time_argvlen, 0, NULL
};


tlsrpt_command_t *
tlsrpt_command_create(const tlsrpt_str_t *argv, size_t argc, size_t key,
    const tlsrpt_script_t *script)
{
    char              *p;
    size_t             size = 0;
    tlsrpt_command_t  *c;

    for (size_t i = 0; i < argc; i++) {
        size += argv[i].len + 1;
    }

    c = malloc(sizeof(*c) + argc * (sizeof(*c->argv) + sizeof(*c->argvlen))
               + size);

    if (c == NULL) {
        return NULL;
    }

    c->key = key;
    c->script = script;
    c->argc = argc;
    c->argv = (const char **) (c + 1);
    c->argvlen = (size_t *) (c->argv + argc);
    p = (char *) (c->argvlen + argc);

    for (size_t i = 0; i < argc; i++) {
        memcpy(p, argv[i].data, argv[i].len);
        p[argv[i].len] = '\0';
        c->argv[i] = p;
        c->argvlen[i] = argv[i].len;
        p += argv[i].len + 1;
    }

    return c;
}


void
tlsrpt_command_destroy(tlsrpt_command_t *command)
{
    free(command);
}
