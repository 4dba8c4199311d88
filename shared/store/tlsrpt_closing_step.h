/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A step of closing a month: the command that reads a slice of what is open,
 * and, of its reply, the command that moves it.
 */

#ifndef TLSRPT_CLOSING_STEP_H
#define TLSRPT_CLOSING_STEP_H

#include "tlsrpt_closing.h"
#include "tlsrpt_key.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_CLOSING_TEXT   65000         /* with what is added to each log,
                                               one chunk */
#define TLSRPT_CLOSING_MONTH  7             /* YYYY-MM */
#define TLSRPT_CLOSING_FIELD  (2 + TLSRPT_CLOSING_MONTH)    /* o:YYYY-MM */

/* What the next command is. */
enum {
    TLSRPT_CLOSING_ASK = 0,
    TLSRPT_CLOSING_READ,
    TLSRPT_CLOSING_MOVE,
    TLSRPT_CLOSING_DONE
};

struct tlsrpt_closing {
    tlsrpt_str_t       prefix;              /* copies, behind the struct */
    tlsrpt_str_t       domain;
    unsigned           retention_days;
    int64_t            now;

    int                state;
    unsigned           steps;
    unsigned           changes;
    unsigned           moved;
    int32_t            month;               /* its first day */
    unsigned           ndays;
    size_t             room;                /* bytes of logs in a slice */
    char               field[TLSRPT_CLOSING_FIELD + 1];

    tlsrpt_key_read_t  read;
    tlsrpt_command_t  *command;
};

/* Both set closing->command; without memory the first is NULL, and the second
   ends the closing. */
const tlsrpt_command_t *tlsrpt_closing_step_read(tlsrpt_closing_t *closing);
void tlsrpt_closing_step_take(tlsrpt_closing_t *closing,
    const tlsrpt_reply_t *reply);

#pragma GCC visibility pop

#endif /* TLSRPT_CLOSING_STEP_H */
