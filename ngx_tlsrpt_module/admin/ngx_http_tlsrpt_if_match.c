/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_if_match.h"


ngx_uint_t
ngx_http_tlsrpt_if_match(const ngx_str_t *tags, const char *id)
{
    size_t   len;
    u_char  *p, *last, *tag;

    p = tags->data;
    last = p + tags->len;

    if (tags->len == 1 && *p == '*') {
        return 1;
    }

    while (p < last) {

        while (p < last && (*p == ' ' || *p == ',' || *p == '"')) {
            p++;
        }

        /* W/"...": a weak one matches nothing (RFC 9110 13.1.1, 8.8.3.2) */

        if (last - p > 2 && ngx_memcmp(p, "W/\"", 3) == 0) {
            p = ngx_strlchr(p + 3, last, '"');

            if (p == NULL) {
                return 0;
            }

            continue;
        }

        tag = p;

        while (p < last && *p != ' ' && *p != ',' && *p != '"') {
            p++;
        }

        len = p - tag;

        if (len && len == ngx_strlen(id) && ngx_memcmp(tag, id, len) == 0) {
            return 1;
        }
    }

    return 0;
}
