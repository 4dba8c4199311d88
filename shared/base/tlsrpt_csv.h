/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * CSV (RFC 4180), UTF-8, lines end in CRLF.  What a sender wrote must not
 * become a formula where the file is opened in a spreadsheet, whatever that
 * takes for its separator: line breaks are dropped, and an apostrophe goes
 * before what would begin a formula, at the start and behind a separator.
 */

#ifndef TLSRPT_CSV_H
#define TLSRPT_CSV_H

#include "tlsrpt_buf.h"
#include "tlsrpt_str.h"

#pragma GCC visibility push(hidden)

/* Write a cell, a separator, the end of a line.  The cell of a string that is
   not given is empty. */
void tlsrpt_csv_str(tlsrpt_buf_t *out, tlsrpt_str_t s);
void tlsrpt_csv_number(tlsrpt_buf_t *out, int64_t value);
void tlsrpt_csv_next(tlsrpt_buf_t *out);
void tlsrpt_csv_end(tlsrpt_buf_t *out);

/* Write a line of members' names, and a line of their values: an array of
   strings becomes one cell with blanks between them, any other array its
   length. */
void tlsrpt_csv_head(tlsrpt_buf_t *out, const char *const *names, size_t n);
void tlsrpt_csv_line(tlsrpt_buf_t *out, const char *const *names, size_t n,
    const json_t *json);

#pragma GCC visibility pop

#endif /* TLSRPT_CSV_H */
