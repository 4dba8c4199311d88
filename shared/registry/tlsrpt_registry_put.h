/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Writes a change of the registry: registry_put.lua, all of it, or nothing
 * where somebody else was first.  Sent twice, it is done once.
 */

#ifndef TLSRPT_REGISTRY_PUT_H
#define TLSRPT_REGISTRY_PUT_H

#include "tlsrpt_command.h"
#include "tlsrpt_registry_change.h"
#include "tlsrpt_reply.h"

#pragma GCC visibility push(hidden)

/* Of a change that is TLSRPT_CHANGE_OK.  NULL: no memory. */
tlsrpt_command_t *tlsrpt_registry_put_command(tlsrpt_str_t prefix,
    const tlsrpt_change_t *change) TLSRPT_MUST_USE;

/* What Redis answered. */
enum {
    TLSRPT_PUT_DONE = 0,
    TLSRPT_PUT_AGAIN,                       /* somebody else was first */
    TLSRPT_PUT_TOO_MANY,                    /* 403: the owner has its max */
    TLSRPT_PUT_TOKEN_TAKEN,                 /* 409: of another domain */
    TLSRPT_PUT_FOLLOWED,                    /* 409: others follow it by now */
    TLSRPT_PUT_FAILED                       /* an error: tlsrpt_reply.h */
};

/* *version: that it is written with. */
int tlsrpt_registry_put_result(const tlsrpt_reply_t *reply, uint64_t *version);

#pragma GCC visibility pop

#endif /* TLSRPT_REGISTRY_PUT_H */
