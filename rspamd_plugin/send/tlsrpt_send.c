/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The thread has all signals blocked, so that each comes to the host's own; it
 * touches nothing but the two lists below and libcurl.  It is begun by the
 * first message, in the process that has it: rspamd loads its modules before
 * it forks.
 */

#define _DEFAULT_SOURCE         /* explicit_bzero() */

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tlsrpt_send.h"


#define TLSRPT_SEND_CONNECT   15L           /* seconds */
#define TLSRPT_SEND_PAUSE     10000         /* milliseconds, at most */
#define TLSRPT_SEND_RECEIVED  (64 * 1024)   /* bytes of an answer */


static struct {
    pthread_mutex_t   lock;
    pthread_cond_t    done;                 /* results is not empty */
    pthread_t         thread;
    CURLM            *multi;
    tlsrpt_send_t    *waiting;              /* for the thread, newest first */
    tlsrpt_send_t    *results;              /* of it, oldest first */
    tlsrpt_send_t   **results_end;
    size_t            count;                /* the host's alone */
    bool              running;              /* likewise */
    bool              stop;
} tlsrpt_send = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .done = PTHREAD_COND_INITIALIZER
};


tlsrpt_send_t *
tlsrpt_send_create(void)
{
    return calloc(1, sizeof(tlsrpt_send_t));
}


/* Of a secret no copy stays. */
static void
tlsrpt_send_wipe(char *s)
{
    if (s != NULL) {
        explicit_bzero(s, strlen(s));
        free(s);
    }
}


void
tlsrpt_send_free(tlsrpt_send_t *send)
{
    if (send == NULL) {
        return;
    }

    if (send->easy != NULL) {
        curl_easy_cleanup(send->easy);
    }

    curl_slist_free_all(send->headers);
    curl_slist_free_all(send->rcpts);
    tlsrpt_send_wipe(send->url);
    tlsrpt_send_wipe(send->password);
    free(send->id);
    free(send->socket);
    free(send->mail_from);
    free(send->rcpt);
    free(send->user);
    free(send->body);
    free(send);
}


/* What libcurl calls, in the thread */

static size_t
tlsrpt_send_read(char *buf, size_t size, size_t n, void *data)
{
    size_t          len;
    tlsrpt_send_t  *send = data;

    len = send->body_len - send->body_sent;

    if (len > size * n) {
        len = size * n;
    }

    memcpy(buf, send->body + send->body_sent, len);
    send->body_sent += len;

    return len;
}


/* Once more from the start, where a kept connection turned out to be closed. */
static int
tlsrpt_send_seek(void *data, curl_off_t offset, int origin)
{
    tlsrpt_send_t  *send = data;

    if (origin != SEEK_SET || offset < 0
        || (curl_off_t) send->body_len < offset)
    {
        return CURL_SEEKFUNC_FAIL;
    }

    send->body_sent = (size_t) offset;

    return CURL_SEEKFUNC_OK;
}


static void
tlsrpt_send_keep(tlsrpt_send_t *send, const char *data, size_t len)
{
    size_t  room;

    room = sizeof(send->answer) - send->answer_len;

    if (len > room) {
        len = room;
    }

    memcpy(send->answer + send->answer_len, data, len);
    send->answer_len += len;
}


/* The body of an HTTP answer: its beginning. */
static size_t
tlsrpt_send_write(char *data, size_t size, size_t n, void *user)
{
    size_t          len = size * n;
    tlsrpt_send_t  *send = user;

    tlsrpt_send_keep(send, data, len);
    send->received += len;

    return send->received > TLSRPT_SEND_RECEIVED ? 0 : len;
}


/* The replies of an SMTP server: the last line, but for that to QUIT. */
static size_t
tlsrpt_send_header(char *data, size_t size, size_t n, void *user)
{
    size_t          len = size * n;
    tlsrpt_send_t  *send = user;

    if (send->mail_from != NULL && (len < 4 || memcmp(data, "221 ", 4) != 0)) {
        send->answer_len = 0;
        tlsrpt_send_keep(send, data, len);
    }

    return len;
}


/* One message */

/* Sets an option, unless one failed before. */
#define tlsrpt_send_set(send, option, value)                                 \
    do {                                                                     \
        if ((send)->code == CURLE_OK) {                                      \
            (send)->code = curl_easy_setopt((send)->easy, option, value);    \
        }                                                                    \
    } while (0)


static void
tlsrpt_send_set_all(tlsrpt_send_t *send)
{
    const char  *authorities;

    tlsrpt_send_set(send, CURLOPT_URL, send->url);
    tlsrpt_send_set(send, CURLOPT_PRIVATE, send);
    tlsrpt_send_set(send, CURLOPT_ERRORBUFFER, send->error);
    tlsrpt_send_set(send, CURLOPT_PROTOCOLS_STR, "http,https,smtp");
    tlsrpt_send_set(send, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
    /* no waiting for a resolver that hangs */
    tlsrpt_send_set(send, CURLOPT_QUICK_EXIT, 1L);
#endif
    tlsrpt_send_set(send, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
    tlsrpt_send_set(send, CURLOPT_CONNECTTIMEOUT, TLSRPT_SEND_CONNECT);
    tlsrpt_send_set(send, CURLOPT_SERVER_RESPONSE_TIMEOUT, send->timeout);
    tlsrpt_send_set(send, CURLOPT_TIMEOUT, send->timeout);
    tlsrpt_send_set(send, CURLOPT_WRITEFUNCTION, tlsrpt_send_write);
    tlsrpt_send_set(send, CURLOPT_WRITEDATA, send);
    tlsrpt_send_set(send, CURLOPT_HEADERFUNCTION, tlsrpt_send_header);
    tlsrpt_send_set(send, CURLOPT_HEADERDATA, send);

    /* As OpenSSL does, by which rspamd checks certificates. */
    authorities = getenv("SSL_CERT_FILE");

    if (authorities != NULL) {
        tlsrpt_send_set(send, CURLOPT_CAINFO, authorities);
    }

    if (send->socket != NULL) {
        tlsrpt_send_set(send, CURLOPT_UNIX_SOCKET_PATH, send->socket);
    }
}


static void
tlsrpt_send_set_http(tlsrpt_send_t *send)
{
    tlsrpt_send_set(send, CURLOPT_POST, 1L);
    tlsrpt_send_set(send, CURLOPT_POSTFIELDS, send->body);
    tlsrpt_send_set(send, CURLOPT_POSTFIELDSIZE_LARGE,
                    (curl_off_t) send->body_len);
    tlsrpt_send_set(send, CURLOPT_HTTPHEADER, send->headers);
    tlsrpt_send_set(send, CURLOPT_FOLLOWLOCATION, 0L);
}


static void
tlsrpt_send_set_smtp(tlsrpt_send_t *send)
{
    static const long  use_ssl[] = {
        [TLSRPT_SEND_PLAIN] = CURLUSESSL_NONE,
        [TLSRPT_SEND_TRY_TLS] = CURLUSESSL_TRY,
        [TLSRPT_SEND_CHECK_TLS] = CURLUSESSL_ALL
    };

    long  check = (send->tls == TLSRPT_SEND_CHECK_TLS);

    send->rcpts = curl_slist_append(NULL, send->rcpt);

    if (send->rcpts == NULL) {
        send->code = CURLE_OUT_OF_MEMORY;
    }

    tlsrpt_send_set(send, CURLOPT_USE_SSL, use_ssl[send->tls]);
    tlsrpt_send_set(send, CURLOPT_SSL_VERIFYPEER, check);
    tlsrpt_send_set(send, CURLOPT_SSL_VERIFYHOST, check * 2);
    /* a proxy of the environment is for the web */
    tlsrpt_send_set(send, CURLOPT_NOPROXY, "*");
    tlsrpt_send_set(send, CURLOPT_MAIL_FROM, send->mail_from);
    tlsrpt_send_set(send, CURLOPT_MAIL_RCPT, send->rcpts);
    tlsrpt_send_set(send, CURLOPT_UPLOAD, 1L);
    tlsrpt_send_set(send, CURLOPT_READFUNCTION, tlsrpt_send_read);
    tlsrpt_send_set(send, CURLOPT_READDATA, send);
    tlsrpt_send_set(send, CURLOPT_SEEKFUNCTION, tlsrpt_send_seek);
    tlsrpt_send_set(send, CURLOPT_SEEKDATA, send);
    tlsrpt_send_set(send, CURLOPT_INFILESIZE_LARGE,
                    (curl_off_t) send->body_len);

    if (send->user != NULL) {
        tlsrpt_send_set(send, CURLOPT_USERNAME, send->user);
        tlsrpt_send_set(send, CURLOPT_PASSWORD, send->password);
    }
}


static void
tlsrpt_send_finish(tlsrpt_send_t *send)
{
    curl_off_t  seconds = 0;

    if (send->easy != NULL) {
        curl_easy_getinfo(send->easy, CURLINFO_RESPONSE_CODE, &send->status);
        curl_easy_getinfo(send->easy, CURLINFO_RETRY_AFTER, &seconds);
        curl_easy_cleanup(send->easy);
        send->easy = NULL;
    }

    send->retry_after = (long) seconds;

    /* its status came, and more of it than anybody reads */
    if (send->code == CURLE_WRITE_ERROR
        && send->received > TLSRPT_SEND_RECEIVED)
    {
        send->code = CURLE_OK;
    }

    if (send->code != CURLE_OK && send->error[0] == '\0') {
        strncpy(send->error, curl_easy_strerror(send->code),
                sizeof(send->error) - 1);
    }

    send->next = NULL;

    pthread_mutex_lock(&tlsrpt_send.lock);
    *tlsrpt_send.results_end = send;
    tlsrpt_send.results_end = &send->next;
    pthread_cond_signal(&tlsrpt_send.done);
    pthread_mutex_unlock(&tlsrpt_send.lock);
}


static void
tlsrpt_send_begin(tlsrpt_send_t *send)
{
    send->easy = curl_easy_init();
    send->code = (send->easy != NULL) ? CURLE_OK : CURLE_OUT_OF_MEMORY;

    if (send->easy != NULL) {
        tlsrpt_send_set_all(send);

        if (send->mail_from != NULL) {
            tlsrpt_send_set_smtp(send);
        } else {
            tlsrpt_send_set_http(send);
        }
    }

    if (send->code == CURLE_OK
        && curl_multi_add_handle(tlsrpt_send.multi, send->easy) != CURLM_OK)
    {
        send->code = CURLE_OUT_OF_MEMORY;
    }

    if (send->code != CURLE_OK) {
        tlsrpt_send_finish(send);
    }
}


/* The thread */

/* Whether to go on. */
static bool
tlsrpt_send_take(void)
{
    bool            stop;
    tlsrpt_send_t  *send, *next;

    pthread_mutex_lock(&tlsrpt_send.lock);
    stop = tlsrpt_send.stop;
    send = tlsrpt_send.waiting;
    tlsrpt_send.waiting = NULL;
    pthread_mutex_unlock(&tlsrpt_send.lock);

    for ( ; send != NULL; send = next) {
        next = send->next;
        tlsrpt_send_begin(send);
    }

    return !stop;
}


static void
tlsrpt_send_finish_all(void)
{
    int             left;
    char           *data;
    CURLMsg        *message;
    tlsrpt_send_t  *send;

    while ((message = curl_multi_info_read(tlsrpt_send.multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE) {
            continue;
        }

        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &data);
        send = (tlsrpt_send_t *) (void *) data;
        send->code = message->data.result;
        curl_multi_remove_handle(tlsrpt_send.multi, send->easy);
        tlsrpt_send_finish(send);
    }
}


static void *
tlsrpt_send_run(void *unused)
{
    int  running;

    (void) unused;

    while (tlsrpt_send_take()) {
        curl_multi_perform(tlsrpt_send.multi, &running);
        tlsrpt_send_finish_all();
        curl_multi_poll(tlsrpt_send.multi, NULL, 0, TLSRPT_SEND_PAUSE, NULL);
    }

    return NULL;
}


/* The host */

static const char *
tlsrpt_send_start(void)
{
    int       failed;
    sigset_t  all, before;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return "libcurl cannot be used";
    }

    tlsrpt_send.multi = curl_multi_init();

    if (tlsrpt_send.multi == NULL) {
        return "no memory";
    }

    tlsrpt_send.results_end = &tlsrpt_send.results;
    tlsrpt_send.stop = false;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&tlsrpt_send.thread, NULL, tlsrpt_send_run, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);

    if (failed) {
        curl_multi_cleanup(tlsrpt_send.multi);
        tlsrpt_send.multi = NULL;
        return "no thread can be made";
    }

    tlsrpt_send.running = true;

    return NULL;
}


const char *
tlsrpt_send_submit(tlsrpt_send_t *send)
{
    const char  *reason;

    if (tlsrpt_send.count >= TLSRPT_SEND_MAX) {
        return "too many messages in flight";
    }

    if (!tlsrpt_send.running) {
        reason = tlsrpt_send_start();

        if (reason != NULL) {
            return reason;
        }
    }

    tlsrpt_send.count++;

    pthread_mutex_lock(&tlsrpt_send.lock);
    send->next = tlsrpt_send.waiting;
    tlsrpt_send.waiting = send;
    pthread_mutex_unlock(&tlsrpt_send.lock);

    curl_multi_wakeup(tlsrpt_send.multi);

    return NULL;
}


static void
tlsrpt_send_wait(long milliseconds)
{
    struct timespec  until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += milliseconds / 1000;
    until.tv_nsec += milliseconds % 1000 * 1000000;

    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }

    while (tlsrpt_send.results == NULL
           && pthread_cond_timedwait(&tlsrpt_send.done, &tlsrpt_send.lock,
                                     &until) != ETIMEDOUT)
    {
        /* void */
    }
}


tlsrpt_send_t *
tlsrpt_send_result(long wait)
{
    tlsrpt_send_t  *send;

    if (tlsrpt_send.count == 0) {
        return NULL;
    }

    pthread_mutex_lock(&tlsrpt_send.lock);

    if (wait > 0) {
        tlsrpt_send_wait(wait);
    }

    send = tlsrpt_send.results;

    if (send != NULL) {
        tlsrpt_send.results = send->next;

        if (send->next == NULL) {
            tlsrpt_send.results_end = &tlsrpt_send.results;
        }

        tlsrpt_send.count--;
    }

    pthread_mutex_unlock(&tlsrpt_send.lock);

    return send;
}


size_t
tlsrpt_send_count(void)
{
    return tlsrpt_send.count;
}


/* libcurl is not asked to tidy up: it would say QUIT to a mail server, and wait
   for the answer, while the process is to end. */
void
tlsrpt_send_stop(void)
{
    if (!tlsrpt_send.running) {
        return;
    }

    pthread_mutex_lock(&tlsrpt_send.lock);
    tlsrpt_send.stop = true;
    pthread_mutex_unlock(&tlsrpt_send.lock);

    curl_multi_wakeup(tlsrpt_send.multi);
    pthread_join(tlsrpt_send.thread, NULL);
    tlsrpt_send.running = false;
}
