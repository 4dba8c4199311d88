/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A command for Redis, as hosts send it.
 */

#ifndef TLSRPT_COMMAND_H
#define TLSRPT_COMMAND_H

#include "tlsrpt_str.h"

#pragma GCC visibility push(hidden)

typedef struct {
    size_t        nkeys;
    size_t        argc;                     /* keys included */
    const char  **argv;
    size_t       *argvlen;
} tlsrpt_command_t;

/* A copy of the arguments in one block, the first nkeys of them keys; NULL: no
   memory. */
tlsrpt_command_t *tlsrpt_command_create(const tlsrpt_str_t *argv, size_t argc,
    size_t nkeys) TLSRPT_MUST_USE;
void tlsrpt_command_destroy(tlsrpt_command_t *command);

#pragma GCC visibility pop

#endif /* TLSRPT_COMMAND_H */
