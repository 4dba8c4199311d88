/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "mta_sts_reason.h"
#include "tlsrpt_utf8.h"


#define SHOWN  80                           /* bytes of a value */


const char *
mta_sts_quote(const char *value, size_t len, char buf[MTA_STS_QUOTE_LEN])
{
    size_t  n, out = 0;

    for (size_t i = 0; i < len; i += n ? n : 1) {
        unsigned char  c = (unsigned char) value[i];

        n = tlsrpt_utf8_len(value + i, len - i);

        if (out + (n ? n : 1) > SHOWN) {
            memcpy(buf + out, "...", 3);
            out += 3;
            break;
        }

        if (n == 0 || c < 0x20 || c == 0x7f) {
            buf[out++] = '?';
            continue;
        }

        memcpy(buf + out, value + i, n);
        out += n;
    }

    buf[out] = '\0';

    return buf;
}


const char *
mta_sts_reason(const char *fmt, ...)
{
    static _Thread_local char  text[MTA_STS_MESSAGE_LEN];
    va_list                    args;

    va_start(args, fmt);
    (void) vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);

    return text;
}
