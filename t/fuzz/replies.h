/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Replies of Redis, made of an input: any shape there is in RESP 2, of strings
 * that look like what the core keeps, changed or not, or like nothing.
 */

#ifndef TLSRPT_FUZZ_REPLIES_H
#define TLSRPT_FUZZ_REPLIES_H

#include "fuzz.h"

#include "tlsrpt_answer.h"
#include "tlsrpt_closed.h"
#include "tlsrpt_collect.h"

#define REPLY_MAX_DEPTH     4
#define REPLY_MAX_ELEMENTS  255
#define REPLY_MAX_BYTES     100000          /* of one input's replies */

typedef struct {
    const uint8_t  *data;
    size_t          size;
    size_t          made;                   /* bytes */
} tape_t;

/* What strings can be made of: words, what is packed of a report, its entry in
   a list, a report, the head of a closed month, a chunk of it. */
typedef struct {
    const char  *data;
    size_t       len;
} sample_t;

static const char *const  reply_words[] = {
    "all", "t:other", "t:certificate-expired", "01", "15", "20", "31",
    "12345678", "o:2025-12"
};

#define REPLY_NWORDS  (sizeof(reply_words) / sizeof(reply_words[0]))

static const char  reply_report[] =
    "{\"organization-name\":\"Example\",\"date-range\":{"
    "\"start-datetime\":\"2026-01-15T00:00:00Z\","
    "\"end-datetime\":\"2026-01-15T23:59:59Z\"},"
    "\"contact-info\":\"a@b.example\","
    "\"report-id\":\"1\",\"policies\":[{\"policy\":{\"policy-type\":\"sts\","
    "\"policy-string\":[\"version: STSv1\",\"mode: enforce\","
    "\"mx: *.example.com\",\"max_age: 86400\"],"
    "\"policy-domain\":\"example.com\",\"mx-host\":[\"*.example.com\"]},"
    "\"summary\":{\"total-successful-session-count\":100,"
    "\"total-failure-session-count\":5},\"failure-details\":[{"
    "\"result-type\":\"certificate-expired\",\"sending-mta-ip\":\"192.0.2.1\","
    "\"receiving-mx-hostname\":\"mx.example.com\","
    "\"receiving-ip\":\"2001:db8::1\",\"failed-session-count\":3,"
    "\"failure-reason-code\":\"x\"},{\"result-type\":\"made-up\","
    "\"failed-session-count\":2}]}]}";

static sample_t  reply_samples[5];


/* A closed month of two reports; lives as long as the process. */

static void
reply_init_closed(void)
{
    static tlsrpt_buf_t  head, text, chunk;
    tlsrpt_closed_t      closed;

    tlsrpt_chunk_add(&text, 15, reply_samples[0].data, reply_samples[0].len);
    tlsrpt_chunk_add(&text, 31, reply_samples[0].data, reply_samples[0].len);
    CHECK(tlsrpt_chunk_write(&chunk, 0, &text) == 0);

    memset(&closed, 0, sizeof(closed));
    closed.stream = text.len;
    closed.nchunks = 1;
    closed.nruns = 1;
    closed.days[14].reports = closed.days[30].reports = 1;
    closed.days[30].overflow = 5;
    tlsrpt_closed_put(&head, &closed);

    reply_samples[3].data = head.data;
    reply_samples[3].len = head.len;
    reply_samples[4].data = chunk.data;
    reply_samples[4].len = chunk.len;
}


/* A report is counted as it would be, and what Redis would keep is looked at:
   the arguments of the script, as shared/store/tlsrpt_ingest.c says. */

static void
reply_init(void)
{
    size_t                  first;
    static tlsrpt_buf_t     entry;
    tlsrpt_ingest_t         ingest;
    tlsrpt_reader_t        *reader = tlsrpt_reader_create();
    tlsrpt_command_t       *command;        /* lives as long as the process */
    tlsrpt_reader_conf_t    conf = { .max_size = 100000, .keep_text = 1 };
    const tlsrpt_report_t  *report;

    memset(&ingest, 0, sizeof(ingest));
    ingest.prefix.data = "t";
    ingest.prefix.len = 1;
    ingest.now = 1768910400;
    ingest.retention_days = 400;
    ingest.report_days = 30;
    ingest.original.data = reply_report;
    ingest.original.len = sizeof(reply_report) - 1;

    tlsrpt_reader_reset(reader, &conf);
    CHECK(tlsrpt_reader_feed(reader, reply_report, sizeof(reply_report) - 1)
          == TLSRPT_OK);
    CHECK(tlsrpt_reader_finish(reader, &report) == TLSRPT_OK);
    command = tlsrpt_ingest_command(report, 0, &ingest);
    CHECK(command != NULL);

    /* arguments 1 and 12 */
    first = command->key + strtoul(command->argv[2], NULL, 10);
    reply_samples[0].data = command->argv[first];
    reply_samples[0].len = command->argvlen[first];
    tlsrpt_buf_add(&entry, "\0\0\0\0\0", 5);
    tlsrpt_buf_add(&entry, command->argv[first + 11],
                   command->argvlen[first + 11]);
    reply_samples[1].data = entry.data;
    reply_samples[1].len = entry.len;
    reply_samples[2].data = reply_report;
    reply_samples[2].len = sizeof(reply_report) - 1;
    reply_init_closed();
    tlsrpt_reader_destroy(reader);
}


static unsigned
take(tape_t *tape)
{
    if (tape->size == 0) {
        return 0;
    }

    tape->size--;
    return *tape->data++;
}


static tlsrpt_reply_t *
reply_new(int type)
{
    tlsrpt_reply_t  *reply = calloc(1, sizeof(*reply));

    CHECK(reply != NULL);
    reply->type = type;

    return reply;
}


static void
set_bytes(tape_t *tape, tlsrpt_reply_t *reply, const void *bytes, size_t len)
{
    char  *copy;

    if (tape->made + len > REPLY_MAX_BYTES) {
        len = 0;
    }

    tape->made += len;
    copy = malloc(len + 1);                 /* as the codec: NUL ended */
    CHECK(copy != NULL);

    if (len) {
        memcpy(copy, bytes, len);
    }

    copy[len] = '\0';
    reply->str = copy;
    reply->len = len;
}


/* A sample, of which some bytes are others. */

static void
set_sample(tape_t *tape, tlsrpt_reply_t *reply, const sample_t *s)
{
    unsigned  changes = take(tape) % 4;

    set_bytes(tape, reply, s->data, s->len);

    while (changes-- && reply->len) {
        unsigned  at = take(tape) << 8 | take(tape);

        ((char *) reply->str)[at % reply->len] = (char) take(tape);
    }
}


static void
set_string(tape_t *tape, tlsrpt_reply_t *reply)
{
    unsigned    kind = take(tape), len;
    const char *word;

    switch (kind % 8) {

    case 0:
        word = reply_words[take(tape) % REPLY_NWORDS];
        set_bytes(tape, reply, word, strlen(word));
        break;

    case 1:                                 /* raw */
    case 2:                                 /* numbers of seven bytes */
        len = kind % 8 == 1 ? take(tape) : 7 * (take(tape) % 7);
        len = len < tape->size ? len : (unsigned) tape->size;
        set_bytes(tape, reply, tape->data, len);
        tape->data += len;
        tape->size -= len;
        break;

    default:
        set_sample(tape, reply, &reply_samples[kind % 8 - 3]);
    }
}


static tlsrpt_reply_t *
reply_make(tape_t *tape, unsigned depth)
{
    size_t           n;
    unsigned         kind = take(tape) % 8;
    tlsrpt_reply_t  *reply;

    if (kind == 1) {
        reply = reply_new(TLSRPT_REPLY_INTEGER);
        reply->integer = (long long) ((uint64_t) take(tape) << 56
                                      | take(tape));
        return reply;
    }

    if (kind == 2) {
        reply = reply_new(TLSRPT_REPLY_ERROR);
        set_string(tape, reply);
        return reply;
    }

    if (kind >= 3 && kind <= 5) {
        reply = reply_new(TLSRPT_REPLY_STRING);
        set_string(tape, reply);
        return reply;
    }

    if (kind >= 6 && depth < REPLY_MAX_DEPTH) {
        reply = reply_new(TLSRPT_REPLY_ARRAY);
        n = take(tape);
        reply->elements = calloc(n + 1, sizeof(tlsrpt_reply_t *));
        CHECK(reply->elements != NULL);

        while (reply->nelements < n && tape->size) {
            reply->elements[reply->nelements++] = reply_make(tape, depth + 1);
        }

        return reply;
    }

    return reply_new(TLSRPT_REPLY_NIL);
}


static void
reply_free(tlsrpt_reply_t *reply)
{
    for (size_t i = 0; i < reply->nelements; i++) {
        reply_free(reply->elements[i]);
    }

    free(reply->elements);
    free((char *) reply->str);
    free(reply);
}

#endif /* TLSRPT_FUZZ_REPLIES_H */
