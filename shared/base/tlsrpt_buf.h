/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A buffer that grows, and numbers as they are stored in it.
 */

#ifndef TLSRPT_BUF_H
#define TLSRPT_BUF_H

#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

typedef struct {
    char    *data;
    size_t   len;
    size_t   size;
    int      failed;                        /* out of memory, until a reset */
} tlsrpt_buf_t;

/* All zeroes is an empty buffer, whose data is NULL. */
void tlsrpt_buf_add(tlsrpt_buf_t *buf, const void *data, size_t len);

/* A varint: seven bits a byte, least significant first. */
void tlsrpt_buf_varint(tlsrpt_buf_t *buf, uint64_t value);

/* Empties it, and frees its memory where that is more than keep bytes. */
void tlsrpt_buf_reset(tlsrpt_buf_t *buf, size_t keep);
void tlsrpt_buf_free(tlsrpt_buf_t *buf);

#pragma GCC visibility pop

#endif /* TLSRPT_BUF_H */
