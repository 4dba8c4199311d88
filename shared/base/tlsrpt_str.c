/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "tlsrpt_str.h"


tlsrpt_str_t
tlsrpt_str_copy(char **p, tlsrpt_str_t s)
{
    tlsrpt_str_t  result = { *p, s.len };

    memcpy(*p, s.len ? s.data : "", s.len);
    *p += s.len + 1;

    return result;
}


json_t *
tlsrpt_str_json(tlsrpt_str_t s)
{
    json_t  *json;

    if (s.data == NULL) {
        return json_null();
    }

    json = json_stringn(s.data, s.len);

    return json != NULL ? json : json_string("(not UTF-8)");
}
