/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "tlsrpt_utf8.h"


size_t
tlsrpt_utf8_put(char buf[TLSRPT_UTF8_MAX], uint32_t c)
{
    if (c < 0x80) {
        buf[0] = (char) c;
        return 1;
    }

    if (c < 0x800) {
        buf[0] = (char) (0xc0 | c >> 6);
        buf[1] = (char) (0x80 | (c & 0x3f));
        return 2;
    }

    if (c < 0x10000) {
        buf[0] = (char) (0xe0 | c >> 12);
        buf[1] = (char) (0x80 | (c >> 6 & 0x3f));
        buf[2] = (char) (0x80 | (c & 0x3f));
        return 3;
    }

    buf[0] = (char) (0xf0 | c >> 18);
    buf[1] = (char) (0x80 | (c >> 12 & 0x3f));
    buf[2] = (char) (0x80 | (c >> 6 & 0x3f));
    buf[3] = (char) (0x80 | (c & 0x3f));
    return 4;
}


size_t
tlsrpt_utf8_cut(const char *s, size_t len, size_t max)
{
    if (len <= max) {
        return len;
    }

    while (max && ((unsigned char) s[max] & 0xc0) == 0x80) {
        max--;
    }

    return max;
}
