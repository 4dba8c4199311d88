/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <string.h>

#include "tlsrpt_reply.h"
#include "tlsrpt_time.h"


/* The word an error reply begins with, and what it means for the command. */

static const struct {
    const char  *word;
    int          class;
} classes[] = {
    { "NOSCRIPT",     TLSRPT_REPLY_NOSCRIPT },
    { "LOADING",      TLSRPT_REPLY_TRANSIENT },
    { "BUSY",         TLSRPT_REPLY_TRANSIENT },
    { "MASTERDOWN",   TLSRPT_REPLY_TRANSIENT },
    { "READONLY",     TLSRPT_REPLY_TRANSIENT },
    { "OOM",          TLSRPT_REPLY_TRANSIENT },
    { "MISCONF",      TLSRPT_REPLY_TRANSIENT },
    { "NOREPLICAS",   TLSRPT_REPLY_TRANSIENT },
    { "TRYAGAIN",     TLSRPT_REPLY_TRANSIENT },
    { "CLUSTERDOWN",  TLSRPT_REPLY_TRANSIENT },
    { "UNBLOCKED",    TLSRPT_REPLY_TRANSIENT },
    { "NOAUTH",       TLSRPT_REPLY_AUTH },
    { "WRONGPASS",    TLSRPT_REPLY_AUTH },
    { "NOPERM",       TLSRPT_REPLY_AUTH }
};


static int
class_of(const char *str, size_t len)
{
    const char  *space = len ? memchr(str, ' ', len) : NULL;

    if (space != NULL) {
        len = (size_t) (space - str);
    }

    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        if (strlen(classes[i].word) == len
            && memcmp(classes[i].word, str, len) == 0)
        {
            return classes[i].class;
        }
    }

    return TLSRPT_REPLY_OTHER;
}


static int
begins(const char *str, size_t len, const char *text)
{
    return len >= strlen(text) && memcmp(str, text, strlen(text)) == 0;
}


/* Redis 6 tells of an error within a script as "ERR Error running script (call
   to f_SHA): @user_script: LINE: -OOM ..."; later ones begin with the word. */

int
tlsrpt_reply_error_class(const char *str, size_t len)
{
    static const char  full[] = "ERR max number of clients reached";
    static const char  nobody[] = "ERR Protocol error: unauthenticated";
    static const char  script[] = "ERR Error running script ";
    static const char  mark[] = ": -";

    if (begins(str, len, full)) {
        return TLSRPT_REPLY_TRANSIENT;
    }

    if (begins(str, len, nobody)) {
        return TLSRPT_REPLY_AUTH;           /* more than ten arguments */
    }

    if (!begins(str, len, script)) {
        return class_of(str, len);
    }

    for (size_t i = sizeof(script) - 1; i < len; i++) {
        if (begins(str + i, len - i, mark)) {
            i += sizeof(mark) - 1;
            return class_of(str + i, len - i);
        }
    }

    return TLSRPT_REPLY_OTHER;
}


int
tlsrpt_reply_seconds(const tlsrpt_reply_t *reply, int64_t *seconds)
{
    const tlsrpt_reply_t  *text;

    if (reply->type != TLSRPT_REPLY_ARRAY || reply->nelements == 0) {
        return -1;
    }

    text = reply->elements[0];
    *seconds = 0;

    if (text->type != TLSRPT_REPLY_STRING || text->len == 0
        || text->len > 12)
    {
        return -1;
    }

    for (size_t i = 0; i < text->len; i++) {
        if (text->str[i] < '0' || text->str[i] > '9') {
            return -1;
        }

        *seconds = *seconds * 10 + (text->str[i] - '0');
    }

    return *seconds < TLSRPT_TIME_END ? 0 : -1;
}
