/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What errors of Redis mean for a command, and the core's own errors.
 */

#include "tap.h"
#include "report.h"


static void
is_class(const char *error, int class)
{
    char    *copy = malloc(strlen(error) + 1);
    size_t   len = strlen(error);

    memcpy(copy, error, len);
    is_int(tlsrpt_reply_error_class(copy, len), class, "\"%s\"", error);
    free(copy);
}


static void
test_errors(void)
{
    unsigned  status;

    for (int i = TLSRPT_ERR_MEMORY; i <= TLSRPT_ERR_PARAMETER; i++) {
        status = tlsrpt_error_status(i);
        ok(tlsrpt_error_text(i)[0] && (status == 503 || status / 100 == 4),
           "error %d: %u %s", i, status, tlsrpt_error_text(i));
    }

    is_int(tlsrpt_error_status(-1), 500, "no error at all");
    is_int(tlsrpt_error_status(TLSRPT_ERR_PARAMETER + 1), 500, "nor this one");
    is_str(tlsrpt_error_text(10000), "unknown error", "nor its text");
}


int
main(void)
{
    is_class("", TLSRPT_REPLY_OTHER);
    is_class("ERR", TLSRPT_REPLY_OTHER);
    is_class("ERR unknown command 'FOO'", TLSRPT_REPLY_OTHER);
    is_class("WRONGTYPE Operation against a key", TLSRPT_REPLY_OTHER);
    is_class("MOVED 3999 192.0.2.1:6381", TLSRPT_REPLY_OTHER);
    is_class("NOSCRIPT No matching script. Please use EVAL.",
             TLSRPT_REPLY_NOSCRIPT);
    is_class("LOADING Redis is loading the dataset in memory",
             TLSRPT_REPLY_TRANSIENT);
    is_class("LOADING", TLSRPT_REPLY_TRANSIENT);
    is_class("LOADINGS", TLSRPT_REPLY_OTHER);
    is_class("BUSY Redis is busy running a script.", TLSRPT_REPLY_TRANSIENT);
    is_class("OOM command not allowed when used memory > 'maxmemory'. script: "
             "0123, on @user_script:1.", TLSRPT_REPLY_TRANSIENT);
    is_class("READONLY You can't write against a read only replica.",
             TLSRPT_REPLY_TRANSIENT);
    is_class("MISCONF Redis is configured to save RDB snapshots",
             TLSRPT_REPLY_TRANSIENT);
    is_class("NOREPLICAS Not enough good replicas to write.",
             TLSRPT_REPLY_TRANSIENT);
    is_class("MASTERDOWN Link with MASTER is down", TLSRPT_REPLY_TRANSIENT);
    is_class("CLUSTERDOWN The cluster is down", TLSRPT_REPLY_TRANSIENT);
    is_class("TRYAGAIN Multiple keys request", TLSRPT_REPLY_TRANSIENT);
    is_class("ERR max number of clients reached", TLSRPT_REPLY_TRANSIENT);
    is_class("NOAUTH Authentication required.", TLSRPT_REPLY_AUTH);
    is_class("ERR Protocol error: unauthenticated multibulk length",
             TLSRPT_REPLY_AUTH);
    is_class("WRONGPASS invalid username-password pair", TLSRPT_REPLY_AUTH);
    is_class("NOPERM this user has no permissions", TLSRPT_REPLY_AUTH);

    /* as Redis 6 says it */
    is_class("ERR Error running script (call to f_0123): @user_script:81: "
             "@user_script: 81: -OOM command not allowed when used memory > "
             "'maxmemory'. ", TLSRPT_REPLY_TRANSIENT);
    is_class("ERR Error running script (call to f_0123): @user_script:81: "
             "-READONLY You can't write against a read only replica.",
             TLSRPT_REPLY_TRANSIENT);
    is_class("ERR Error running script (call to f_0123): @user_script:81: "
             "@user_script: 81: WRONGTYPE Operation against a key",
             TLSRPT_REPLY_OTHER);
    is_class("ERR Error running script (call to f_0123): x: -",
             TLSRPT_REPLY_OTHER);
    is_class("ERR Error running script ", TLSRPT_REPLY_OTHER);

    test_errors();

    return done();
}
