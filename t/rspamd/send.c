/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Sending by libcurl's thread, under the sanitizers.  Arguments: the port of a
 * web server on loopback that takes everything, and one that never answers.
 */

#define _DEFAULT_SOURCE         /* strdup() */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../core/tap.h"
#include "tlsrpt_send.h"


static tlsrpt_send_t *
message(const char *port, const char *id)
{
    char            url[64];
    tlsrpt_send_t  *send = tlsrpt_send_create();

    if (send == NULL) {
        abort();
    }

    snprintf(url, sizeof(url), "http://127.0.0.1:%s/hook", port);
    send->id = strdup(id);
    send->url = strdup(url);
    send->body = strdup("{}");
    send->body_len = 2;
    send->timeout = 20;
    send->headers = curl_slist_append(NULL, "Content-Type: application/json");

    return send;
}


static int
fetch_all(int *good)
{
    int             n = 0;
    tlsrpt_send_t  *send;

    while ((send = tlsrpt_send_result(20000)) != NULL) {
        n++;
        *good += (send->code == CURLE_OK && send->status == 200);
        tlsrpt_send_free(send);
    }

    return n;
}


int
main(int argc, char **argv)
{
    int             good = 0, taken = 0;
    tlsrpt_send_t  *send;

    if (argc != 3) {
        return 2;
    }

    ok(tlsrpt_send_result(1000) == NULL, "nothing is in flight");

    while (taken < TLSRPT_SEND_MAX) {
        send = message(argv[1], "many");

        if (tlsrpt_send_submit(send) != NULL) {
            tlsrpt_send_free(send);
            break;
        }

        taken++;
    }

    ok(taken == TLSRPT_SEND_MAX, "so many at once");
    send = message(argv[1], "more");
    ok(tlsrpt_send_submit(send) != NULL, "no more than that");
    tlsrpt_send_free(send);

    ok(fetch_all(&good) == TLSRPT_SEND_MAX, "each has a result");
    ok(good == TLSRPT_SEND_MAX, "and was taken");

    send = message(argv[1], "a file");
    free(send->url);
    send->url = strdup("file:///etc/passwd");
    ok(tlsrpt_send_submit(send) == NULL
       && (send = tlsrpt_send_result(5000)) != NULL
       && send->code != CURLE_OK, "no other protocol");
    ok(send->error[0] != '\0', "says so");
    tlsrpt_send_free(send);

    send = message(argv[2], "mute");
    ok(tlsrpt_send_submit(send) == NULL && tlsrpt_send_result(0) == NULL
       && tlsrpt_send_count() == 1, "one that is not answered");
    tlsrpt_send_stop();
    ok(1, "does not keep the thread from ending");
    tlsrpt_send_stop();
    ok(1, "which may be ended twice");

    return done();
}
