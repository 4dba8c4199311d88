/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include "tlsrpt_buf.h"


void
tlsrpt_buf_add(tlsrpt_buf_t *buf, const void *data, size_t len)
{
    if (buf->failed || len == 0) {
        return;
    }

    if (buf->size - buf->len < len) {
        size_t   size = 2 * buf->size + len + 512;
        char    *p = realloc(buf->data, size);

        if (p == NULL) {
            buf->failed = 1;
            return;
        }

        buf->data = p;
        buf->size = size;
    }

    memcpy(buf->data + buf->len, data, len);
    buf->len += len;
}


static size_t
put_varint(unsigned char p[10], uint64_t value)
{
    size_t  n = 0;

    for ( ; value >= 0x80; value >>= 7) {
        p[n++] = (unsigned char) (value | 0x80);
    }

    p[n++] = (unsigned char) value;

    return n;
}


void
tlsrpt_buf_varint(tlsrpt_buf_t *buf, uint64_t value)
{
    unsigned char  p[10];

    tlsrpt_buf_add(buf, p, put_varint(p, value));
}


void
tlsrpt_buf_reset(tlsrpt_buf_t *buf, size_t keep)
{
    if (buf->size > keep) {
        tlsrpt_buf_free(buf);
        return;
    }

    buf->len = 0;
    buf->failed = 0;
}


void
tlsrpt_buf_free(tlsrpt_buf_t *buf)
{
    free(buf->data);
    memset(buf, 0, sizeof(*buf));
}
