/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <string.h>

#include "tlsrpt_result.h"


#define WORD(s)   { s, sizeof(s) - 1 },
#define COUNT(a)  (sizeof(a) / sizeof((a)[0]))

static const tlsrpt_str_t  result_types[] = { TLSRPT_RESULT_MAP(WORD) };
static const tlsrpt_str_t  policy_types[] = { TLSRPT_POLICY_TYPE_MAP(WORD) };


static unsigned
code_of(const tlsrpt_str_t *words, size_t n, tlsrpt_str_t word)
{
    for (unsigned i = 0; i < n; i++) {
        if (words[i].len == word.len
            && memcmp(words[i].data, word.data, word.len) == 0)
        {
            return i + 1;
        }
    }

    return 0;
}


static tlsrpt_str_t
word_of(const tlsrpt_str_t *words, size_t n, unsigned code)
{
    tlsrpt_str_t  none = { NULL, 0 };

    return code >= 1 && code <= n ? words[code - 1] : none;
}


unsigned
tlsrpt_result_code(tlsrpt_str_t result_type)
{
    return code_of(result_types, COUNT(result_types), result_type);
}


unsigned
tlsrpt_policy_type_code(tlsrpt_str_t policy_type)
{
    return code_of(policy_types, COUNT(policy_types), policy_type);
}


tlsrpt_str_t
tlsrpt_result_type(unsigned code)
{
    return word_of(result_types, COUNT(result_types), code);
}


tlsrpt_str_t
tlsrpt_policy_type(unsigned code)
{
    return word_of(policy_types, COUNT(policy_types), code);
}


unsigned
tlsrpt_result_ncodes(void)
{
    return COUNT(result_types);
}


unsigned
tlsrpt_policy_type_ncodes(void)
{
    return COUNT(policy_types);
}
