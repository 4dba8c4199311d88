/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include <libdeflate.h>
#include <openssl/sha.h>

#include "tlsrpt_closed.h"
#include "tlsrpt_count.h"


#define DUE_DAYS  7                         /* after the month's end */
#define EARLY     2                         /* what clocks differ, in days */
#define LEVEL     7                         /* 3 % over the highest, at a third
                                               of its time or less */


int32_t
tlsrpt_closed_due(int32_t day)
{
    return tlsrpt_next_month(day) + DUE_DAYS;
}


int
tlsrpt_closed_perhaps(int32_t day, int32_t today)
{
    /* most days are of this month or the last one */
    return today - day >= DUE_DAYS - EARLY
           && today >= tlsrpt_closed_due(day) - EARLY;
}


/*
 * Numbers
 */

static void
put_fixed(tlsrpt_buf_t *buf, uint64_t value, size_t len)
{
    char  bytes[8];

    for (size_t i = 0; i < len; i++) {
        bytes[i] = (char) (value >> 8 * i & 0xff);
    }

    tlsrpt_buf_add(buf, bytes, len);
}


static uint64_t
get_fixed(const unsigned char **p, size_t len)
{
    uint64_t  value = 0;

    for (size_t i = len; i-- > 0; /* void */) {
        value = value << 8 | (*p)[i];
    }

    *p += len;

    return value;
}


/* 0, or -1: there is none. */

static int
get_varint(const unsigned char **p, const unsigned char *end, uint64_t *value)
{
    unsigned  shift = 0;

    *value = 0;

    do {
        if (*p == end || shift > 56) {
            return -1;
        }

        *value |= (uint64_t) (**p & 0x7f) << shift;
        shift += 7;
    } while (*(*p)++ & 0x80);

    return 0;
}


/*
 * The head
 */

#define HEAD_LEN  (1 + TLSRPT_CLOSED_SALT + 7 + 2 + 2 + 7)


static int
get_day(const unsigned char **p, const unsigned char *end,
    tlsrpt_closed_t *closed)
{
    uint64_t         number, numbers[4];
    tlsrpt_totals_t *day;

    if (get_varint(p, end, &number) != 0
        || number < 1 || number > TLSRPT_CLOSED_DAYS)
    {
        return -1;
    }

    for (int i = 0; i < 4; i++) {
        if (get_varint(p, end, &numbers[i]) != 0
            || numbers[i] > TLSRPT_MAX_COUNT)
        {
            return -1;
        }
    }

    day = &closed->days[number - 1];
    day->reports = numbers[0];
    day->successful = numbers[1];
    day->failed = numbers[2];
    day->overflow = numbers[3];

    return 0;
}


static int
get_head(const unsigned char *p, const unsigned char *end,
    tlsrpt_closed_t *closed)
{
    if (end - p < HEAD_LEN || *p++ != TLSRPT_CLOSED_VERSION) {
        return -1;
    }

    memcpy(closed->salt, p, TLSRPT_CLOSED_SALT);
    p += TLSRPT_CLOSED_SALT;

    closed->stream = get_fixed(&p, 7);
    closed->nchunks = (size_t) get_fixed(&p, 2);
    closed->nruns = (size_t) get_fixed(&p, 2);
    closed->ndigests = get_fixed(&p, 7);

    while (p < end) {
        if (get_day(&p, end, closed) != 0) {
            return -1;
        }
    }

    return closed->nchunks <= TLSRPT_CLOSED_CHUNKS ? 0 : -1;
}


int
tlsrpt_closed_parse(const tlsrpt_reply_t *head, tlsrpt_closed_t *closed)
{
    const unsigned char  *p = (const unsigned char *) head->str;

    memset(closed, 0, sizeof(*closed));

    if (head->type == TLSRPT_REPLY_NIL
        || (head->type == TLSRPT_REPLY_STRING && head->len == 0))
    {
        return 0;
    }

    if (head->type == TLSRPT_REPLY_STRING
        && get_head(p, p + head->len, closed) == 0)
    {
        return 1;
    }

    memset(closed, 0, sizeof(*closed));

    return -1;
}


void
tlsrpt_closed_put(tlsrpt_buf_t *head, const tlsrpt_closed_t *closed)
{
    const tlsrpt_totals_t  *day;

    put_fixed(head, TLSRPT_CLOSED_VERSION, 1);
    tlsrpt_buf_add(head, closed->salt, TLSRPT_CLOSED_SALT);
    put_fixed(head, closed->stream, 7);
    put_fixed(head, closed->nchunks, 2);
    put_fixed(head, closed->nruns, 2);
    put_fixed(head, closed->ndigests, 7);

    for (unsigned i = 0; i < TLSRPT_CLOSED_DAYS; i++) {
        day = &closed->days[i];

        if (day->reports) {
            tlsrpt_buf_varint(head, i + 1);
            tlsrpt_buf_varint(head, day->reports);
            tlsrpt_buf_varint(head, day->successful);
            tlsrpt_buf_varint(head, day->failed);
            tlsrpt_buf_varint(head, day->overflow);
        }
    }
}


/*
 * Chunks
 */

static int
inflate_chunk(tlsrpt_chunk_t *chunk, const unsigned char *p,
    const unsigned char *end, size_t len)
{
    int                             rc = 0;
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();

    chunk->text = d != NULL ? malloc(len + 1) : NULL;

    if (chunk->text == NULL) {
        rc = -1;

    } else if (libdeflate_deflate_decompress(d, p, (size_t) (end - p),
                                             chunk->text, len, NULL)
               == LIBDEFLATE_SUCCESS)
    {
        chunk->len = len;
    }

    libdeflate_free_decompressor(d);

    return rc;
}


int
tlsrpt_chunk_read(tlsrpt_chunk_t *chunk, const tlsrpt_reply_t *reply)
{
    uint64_t              len;
    const unsigned char  *p = (const unsigned char *) reply->str, *end;

    tlsrpt_chunk_free(chunk);

    if (reply->type != TLSRPT_REPLY_STRING || reply->len == 0) {
        return 0;
    }

    end = p + reply->len;

    if (get_varint(&p, end, &chunk->start) != 0
        || get_varint(&p, end, &len) != 0 || len > TLSRPT_CLOSED_TEXT)
    {
        return 0;
    }

    return inflate_chunk(chunk, p, end, (size_t) len);
}


int
tlsrpt_chunk_next(tlsrpt_chunk_t *chunk, tlsrpt_piece_t *piece)
{
    uint64_t              number, len;
    const unsigned char  *text = (const unsigned char *) chunk->text;
    const unsigned char  *p, *end;

    if (chunk->pos == chunk->len) {
        return 0;
    }

    p = text + chunk->pos;
    end = text + chunk->len;
    piece->at = chunk->start + chunk->pos;

    if (get_varint(&p, end, &number) != 0 || get_varint(&p, end, &len) != 0
        || number < 1 || number > TLSRPT_CLOSED_DAYS
        || len > (uint64_t) (end - p))
    {
        chunk->pos = chunk->len;
        return 0;
    }

    piece->day = (int) number;
    piece->data = (const char *) p;
    piece->len = (size_t) len;
    chunk->pos = (size_t) (p - text) + piece->len;

    return 1;
}


void
tlsrpt_chunk_free(tlsrpt_chunk_t *chunk)
{
    free(chunk->text);
    memset(chunk, 0, sizeof(*chunk));
}


void
tlsrpt_chunk_add(tlsrpt_buf_t *text, int day, const char *data, size_t len)
{
    tlsrpt_buf_varint(text, (uint64_t) day);
    tlsrpt_buf_varint(text, len);
    tlsrpt_buf_add(text, data, len);
}


int
tlsrpt_chunk_write(tlsrpt_buf_t *chunk, uint64_t start,
    const tlsrpt_buf_t *text)
{
    char                          *p;
    size_t                         size, len;
    struct libdeflate_compressor  *c;

    c = libdeflate_alloc_compressor(LEVEL);
    size = c != NULL ? libdeflate_deflate_compress_bound(c, text->len) : 0;
    p = c != NULL ? malloc(size) : NULL;

    if (p != NULL) {
        len = libdeflate_deflate_compress(c, text->data, text->len, p, size);
        tlsrpt_buf_varint(chunk, start);
        tlsrpt_buf_varint(chunk, text->len);
        tlsrpt_buf_add(chunk, p, len);
    }

    free(p);
    libdeflate_free_compressor(c);

    return p != NULL && !chunk->failed ? 0 : -1;
}


/*
 * Digests
 */

static void
add_digest(tlsrpt_buf_t *run, const tlsrpt_closed_t *closed,
    const tlsrpt_reply_t *member)
{
    unsigned char  text[TLSRPT_CLOSED_SALT + 24], sha1[SHA_DIGEST_LENGTH];

    if (member->type == TLSRPT_REPLY_STRING && member->len <= 24) {
        memcpy(text, closed->salt, TLSRPT_CLOSED_SALT);
        memcpy(text + TLSRPT_CLOSED_SALT, member->str, member->len);
        SHA1(text, TLSRPT_CLOSED_SALT + member->len, sha1);
        tlsrpt_buf_add(run, sha1, TLSRPT_CLOSED_DIGEST);
    }
}


void
tlsrpt_run_add(tlsrpt_buf_t *run, const tlsrpt_closed_t *closed,
    const tlsrpt_reply_t *members)
{
    if (members->type != TLSRPT_REPLY_ARRAY) {
        return;
    }

    for (size_t i = 0; i < members->nelements; i++) {
        add_digest(run, closed, members->elements[i]);
    }
}


static int
compare(const void *a, const void *b)
{
    return memcmp(a, b, TLSRPT_CLOSED_DIGEST);
}


void
tlsrpt_run_sort(tlsrpt_buf_t *run)
{
    size_t   n = run->len / TLSRPT_CLOSED_DIGEST;
    char    *to = run->data, *p = run->data;

    if (n == 0) {
        return;
    }

    qsort(run->data, n, TLSRPT_CLOSED_DIGEST, compare);

    for (size_t i = 1; i < n; i++) {
        p += TLSRPT_CLOSED_DIGEST;

        if (compare(to, p) != 0) {
            to += TLSRPT_CLOSED_DIGEST;
            memmove(to, p, TLSRPT_CLOSED_DIGEST);
        }
    }

    run->len = (size_t) (to - run->data) + TLSRPT_CLOSED_DIGEST;
}


/*
 * Reading
 */

const tlsrpt_command_t *
tlsrpt_closed_read(tlsrpt_closed_read_t *read, const char *name)
{
    const tlsrpt_str_t  args[] = {
        TLSRPT_STR("EVALSHA"),
        { tlsrpt_month_script.sha1, 40 },
        TLSRPT_STR("2"),
        { read->closed.data, read->closed.len },
        { read->key.data, read->key.len },
        { name, strlen(name) }
    };

    for (size_t i = 0; i < 6; i++) {
        read->argv[i] = args[i].data;
        read->argvlen[i] = args[i].len;
    }

    read->command.argc = 6;
    read->command.argv = read->argv;
    read->command.argvlen = read->argvlen;
    read->command.key = 3;
    read->command.script = &tlsrpt_month_script;

    return &read->command;
}
