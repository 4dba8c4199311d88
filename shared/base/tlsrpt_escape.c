/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <inttypes.h>
#include <stdio.h>

#include "tlsrpt_escape.h"
#include "tlsrpt_utf8.h"


/* Sorted; of Unicode 15. */

static const struct {
    uint32_t  first;
    uint32_t  last;
} controls[] = {
    { 0x00000, 0x0001f }, { 0x0007f, 0x0009f }, { 0x000ad, 0x000ad },
    { 0x00600, 0x00605 }, { 0x0061c, 0x0061c }, { 0x006dd, 0x006dd },
    { 0x0070f, 0x0070f }, { 0x00890, 0x00891 }, { 0x008e2, 0x008e2 },
    { 0x0180e, 0x0180e }, { 0x0200b, 0x0200f }, { 0x02028, 0x0202e },
    { 0x02060, 0x0206f }, { 0x0feff, 0x0feff }, { 0x0fff9, 0x0fffb },
    { 0x110bd, 0x110bd }, { 0x110cd, 0x110cd }, { 0x13430, 0x1343f },
    { 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff }
};


int
tlsrpt_is_control(uint32_t c)
{
    size_t  low = 0, high = sizeof(controls) / sizeof(controls[0]);

    while (low < high) {
        size_t  middle = low + (high - low) / 2;

        if (c < controls[middle].first) {
            high = middle;

        } else if (c > controls[middle].last) {
            low = middle + 1;

        } else {
            return 1;
        }
    }

    return 0;
}


static uint32_t
decode(const char *s, size_t n)
{
    const unsigned char  *p = (const unsigned char *) s;

    switch (n) {
    case 1:
        return p[0];

    case 2:
        return (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);

    case 3:
        return (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);

    default:
        return (p[0] & 0x07u) << 18 | (p[1] & 0x3fu) << 12
               | (p[2] & 0x3fu) << 6 | (p[3] & 0x3fu);
    }
}


static void
put_code(tlsrpt_buf_t *buf, uint32_t c)
{
    int   n;
    char  text[16];

    n = snprintf(text, sizeof(text),
                 c > 0xffff ? "\\U%08" PRIX32 : "\\u%04" PRIX32, c);
    tlsrpt_buf_add(buf, text, (size_t) n);
}


void
tlsrpt_escape(tlsrpt_buf_t *buf, tlsrpt_str_t s)
{
    size_t       n;
    uint32_t     c;
    const char  *p = s.data, *end = p + s.len, *plain = p;

    while (p < end) {
        n = tlsrpt_utf8_len(p, (size_t) (end - p));
        c = n ? decode(p, n) : 0xfffd;
        n = n ? n : 1;

        if (c == 0xfffd || tlsrpt_is_control(c)) {
            tlsrpt_buf_add(buf, plain, (size_t) (p - plain));
            put_code(buf, c);
            plain = p + n;
        }

        p += n;
    }

    tlsrpt_buf_add(buf, plain, (size_t) (end - plain));
}
