/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A command for Redis, whole: argv[0] is its name.  All of its keys are in the
 * hash slot of the first.
 */

#ifndef TLSRPT_COMMAND_H
#define TLSRPT_COMMAND_H

#include "tlsrpt_script.h"
#include "tlsrpt_str.h"

#pragma GCC visibility push(hidden)

typedef struct {
    size_t        argc;
    const char  **argv;
    size_t       *argvlen;
    size_t        key;                      /* argv[key] is the first key */
    const tlsrpt_script_t  *script;         /* EVALSHA of it, or EVAL with its
                                               text where Redis does not know
                                               it; NULL: a plain command */
} tlsrpt_command_t;

/* A copy of the arguments in one block; NULL: no memory. */
tlsrpt_command_t *tlsrpt_command_create(const tlsrpt_str_t *argv, size_t argc,
    size_t key, const tlsrpt_script_t *script) TLSRPT_MUST_USE;
void tlsrpt_command_destroy(tlsrpt_command_t *command);

/* Redis's time, where hosts must agree: tlsrpt_reply_seconds(). */
extern const tlsrpt_command_t  tlsrpt_command_time;

#pragma GCC visibility pop

#endif /* TLSRPT_COMMAND_H */
