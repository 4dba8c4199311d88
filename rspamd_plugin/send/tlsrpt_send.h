/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Messages sent by libcurl, in a thread of its own: HTTP POST and SMTP, many at
 * once.  No Lua here, and no event loop: a message is handed in, and its result
 * is fetched later.  All functions are for one thread, the host's.
 */

#ifndef TLSRPT_SEND_H
#define TLSRPT_SEND_H

#include <stddef.h>

#include <curl/curl.h>

#pragma GCC visibility push(hidden)

#define TLSRPT_SEND_MAX     64          /* messages in flight */
#define TLSRPT_SEND_ANSWER  512         /* bytes kept of an answer */

typedef enum {
    TLSRPT_SEND_PLAIN,                  /* SMTP without TLS */
    TLSRPT_SEND_TRY_TLS,                /* where it is offered, unchecked */
    TLSRPT_SEND_CHECK_TLS               /* required, certificate checked */
} tlsrpt_send_tls_e;

/* A message, and then what came back.  Whoever holds it owns it with all its
   strings, which malloc() made; NULL: not given. */
typedef struct tlsrpt_send_s  tlsrpt_send_t;

struct tlsrpt_send_s {
    tlsrpt_send_t      *next;
    CURL               *easy;

    char               *id;
    char               *url;
    char               *socket;         /* path of one to connect to */
    char               *mail_from;      /* SMTP; NULL: HTTP */
    char               *rcpt;
    char               *user;
    char               *password;
    char               *body;
    size_t              body_len;
    size_t              body_sent;
    long                timeout;        /* seconds, for all of it */
    tlsrpt_send_tls_e   tls;
    struct curl_slist  *headers;
    struct curl_slist  *rcpts;

    /* the result */
    CURLcode            code;
    long                status;         /* the last one; 0: none came */
    long                retry_after;    /* seconds; 0: not said */
    size_t              received;
    char                error[CURL_ERROR_SIZE];
    char                answer[TLSRPT_SEND_ANSWER];
    size_t              answer_len;
};

/* NULL: no memory. */
tlsrpt_send_t *tlsrpt_send_create(void);
void tlsrpt_send_free(tlsrpt_send_t *send);

/* Takes a message over; begins the thread where there is none.  NULL, or why
   it is not taken: then it is the caller's still. */
const char *tlsrpt_send_submit(tlsrpt_send_t *send);

/* A message that is done, the caller's again, or NULL.  Waits for one for so
   many milliseconds, where any is in flight. */
tlsrpt_send_t *tlsrpt_send_result(long wait);

/* How many were submitted, and have not been fetched. */
size_t tlsrpt_send_count(void);

/* Ends the thread; what was in flight is cut off. */
void tlsrpt_send_stop(void);

#pragma GCC visibility pop

#endif /* TLSRPT_SEND_H */
