/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Errors.  Each is named once, with the HTTP status that answers it and its
 * text.
 */

#ifndef TLSRPT_ERROR_H
#define TLSRPT_ERROR_H

#include <stddef.h>

#pragma GCC visibility push(hidden)

#define TLSRPT_ERROR_MAP(XX)                                                  \
    XX(MEMORY,          503, "out of memory")                                 \
    /* not gzip, not JSON: 400 */                                             \
    XX(EMPTY,           400, "the body is empty")                             \
    XX(NOT_REPORT,      400, "neither gzip nor a JSON object")                \
    XX(ZIP,             400, "a zip archive, not gzip (RFC 8460 5.2)")        \
    XX(GZIP,            400, "invalid gzip data")                             \
    XX(GZIP_TRUNCATED,  400, "the gzip data is cut short")                    \
    XX(GZIP_NESTED,     400, "gzip within gzip within gzip")                  \
    XX(JSON,            400, "invalid JSON")                                  \
    XX(JSON_TRUNCATED,  400, "the JSON text is cut short")                    \
    XX(JSON_UTF8,       400, "invalid UTF-8 (RFC 7493 2.1)")                  \
    XX(JSON_STRING,     400, "NUL or unpaired surrogate in a string "         \
                             "(RFC 7493 2.1)")                                \
    XX(JSON_DUPLICATE,  400, "a member is given twice (RFC 7493 2.3)")        \
    /* over a limit */                                                        \
    XX(TOO_LARGE,       413, "the report is larger than the limit")           \
    XX(RATIO,           413, "the text is over the limit for gzip data of "   \
                             "its size")                                      \
    XX(TOO_COSTLY,      413, "more in it than the limit for a report of its " \
                             "size")                                          \
    XX(TOO_DEEP,        422, "nested too deep")                               \
    XX(TOO_MANY,        422, "too many members in one object")                \
    XX(TOO_LONG,        422, "a string or number is too long")                \
    /* JSON, but no usable report: 422 */                                     \
    XX(NOT_TLSRPT,      422, "not a TLSRPT report: no member of one where it "\
                             "begins")                                        \
    XX(MISSING,         422, "a required member is missing")                  \
    XX(TYPE,            422, "a member has the wrong type")                   \
    XX(COUNT,           422, "not a session count: a whole number from 0 to " \
                             "9007199254740991")                              \
    XX(DATE,            422, "not a date-time (RFC 3339 5.6)")                \
    XX(RANGE,           422, "the date range cannot be counted")              \
    XX(DOMAIN,          422, "no policy domain")                              \
    XX(TOO_MANY_ITEMS,  422, "too many policies or policy domains")           \
    /* not the document's fault */                                            \
    XX(NOT_ACCEPTED,    403, "no policy domain of the report is accepted "    \
                             "here")                                          \
    XX(PARAMETER,       400, "bad parameter")

enum {
    TLSRPT_OK = 0,
#define XX(name, status, text) TLSRPT_ERR_##name,
    TLSRPT_ERROR_MAP(XX)
#undef XX
};

#define TLSRPT_PATH_LEN    160
#define TLSRPT_DETAIL_LEN  256

typedef struct {
    int          code;          /* TLSRPT_ERR_... */
    size_t       offset;        /* of the byte in the body as it came (gzip) or
                                   in the text (JSON), from 0 */
    size_t       line;          /* of the text, from 1; 0: does not apply */
    size_t       column;        /* in bytes, from 1 */
    char         path[TLSRPT_PATH_LEN];      /* "policies[0].summary", or "" */
    char         detail[TLSRPT_DETAIL_LEN];  /* what exactly, or "" */
} tlsrpt_error_t;

const char *tlsrpt_error_text(int code);
unsigned tlsrpt_error_status(int code);

#pragma GCC visibility pop

#endif /* TLSRPT_ERROR_H */
