/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "tlsrpt_error.h"


static const struct {
    unsigned     status;
    const char  *text;
} tlsrpt_errors[] = {
    { 200, "" },
#define XX(name, status, text) { status, text },
    TLSRPT_ERROR_MAP(XX)
#undef XX
};

#define TLSRPT_NERRORS  (sizeof(tlsrpt_errors) / sizeof(tlsrpt_errors[0]))


const char *
tlsrpt_error_text(int code)
{
    return code >= 0 && (size_t) code < TLSRPT_NERRORS
           ? tlsrpt_errors[code].text : "unknown error";
}


unsigned
tlsrpt_error_status(int code)
{
    return code >= 0 && (size_t) code < TLSRPT_NERRORS
           ? tlsrpt_errors[code].status : 500;
}
