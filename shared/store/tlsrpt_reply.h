/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Replies, in the shape of RESP 2; the host's codec makes them.
 */

#ifndef TLSRPT_REPLY_H
#define TLSRPT_REPLY_H

#include <stdint.h>

#include "tlsrpt_str.h"

#pragma GCC visibility push(hidden)

enum {
    TLSRPT_REPLY_NIL = 0,
    TLSRPT_REPLY_STRING,                    /* bulk or status */
    TLSRPT_REPLY_INTEGER,
    TLSRPT_REPLY_ARRAY,
    TLSRPT_REPLY_ERROR
};

typedef struct tlsrpt_reply  tlsrpt_reply_t;

struct tlsrpt_reply {
    int               type;
    long long         integer;
    const char       *str;                  /* string, error */
    size_t            len;
    size_t            nelements;
    tlsrpt_reply_t  **elements;
};

/* What an error reply means for a command that was sent. */
enum {
    TLSRPT_REPLY_OTHER = 0,                 /* will fail again as it is */
    TLSRPT_REPLY_NOSCRIPT,                  /* send the script itself */
    TLSRPT_REPLY_TRANSIENT,                 /* Redis cannot now: LOADING,
                                               BUSY, OOM, READONLY, ... */
    TLSRPT_REPLY_AUTH                       /* NOAUTH, WRONGPASS, NOPERM */
};

int tlsrpt_reply_error_class(const char *str, size_t len);

/* Of tlsrpt_command_time.  0, or -1: it is none. */
int tlsrpt_reply_seconds(const tlsrpt_reply_t *reply, int64_t *seconds)
    TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_REPLY_H */
