/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Strings of senders where they are shown as text: what would move the cursor,
 * turn the direction of writing, or cannot be seen becomes \u202E.
 */

#ifndef TLSRPT_ESCAPE_H
#define TLSRPT_ESCAPE_H

#include "tlsrpt_buf.h"
#include "tlsrpt_str.h"

#pragma GCC visibility push(hidden)

/* Is the character a control or a format character, or a separator of lines
   (Unicode Cc, Cf, Zl, Zp)? */
int tlsrpt_is_control(uint32_t c);

/* Appends the text; bytes that are not UTF-8 become \uFFFD. */
void tlsrpt_escape(tlsrpt_buf_t *buf, tlsrpt_str_t s);

#pragma GCC visibility pop

#endif /* TLSRPT_ESCAPE_H */
