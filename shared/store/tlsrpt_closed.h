/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A closed month: what its days' logs, totals and digests become when it is
 * long over, in one hash of the domain's (tlsrpt_key.h):
 *
 *     h             head
 *     c0, c1, ...   chunks of the day logs
 *     d0, d1, ...   runs of digests
 *
 *     head    = version salt stream nchunks nruns ndigests *day
 *     version = 1 byte
 *     salt    = 16 random bytes, a secret of this month
 *     stream  = 7 bytes       ; of text in all chunks
 *     nchunks = 2 bytes
 *     nruns   = 2 bytes
 *     ndigests = 7 bytes
 *     day     = number reports successful failed overflow
 *                             ; of the month, totals (tlsrpt_totals.h)
 *     chunk   = start length deflated
 *                             ; RFC 1951; where its text begins in the stream
 *     text    = *(number length bytes)
 *                             ; some packed reports of a day (tlsrpt_packed.h)
 *     run     = *digest       ; sorted
 *     digest  = SHA-1(salt member), the first 6 bytes
 *     member                  ; as it stood in the set of the digests
 *
 * Numbers of a given length are least significant byte first, the others are
 * varints.
 *
 * What is closed stays as it is: the stream only grows, by the last chunk while
 * that has room, or by a new one.  Reports that come late stand beside it, as
 * those of an open month do, until they are closed too: so a day's reports are
 * what the stream held of it when its log was read, and that log.
 *
 * Six bytes are enough to know a report again, as nobody can find another one
 * with the same: the salt is in Redis alone.
 */

#ifndef TLSRPT_CLOSED_H
#define TLSRPT_CLOSED_H

#include "tlsrpt_buf.h"
#include "tlsrpt_command.h"
#include "tlsrpt_key.h"
#include "tlsrpt_totals.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_CLOSED_VERSION  1
#define TLSRPT_CLOSED_SALT     16
#define TLSRPT_CLOSED_DIGEST   6
#define TLSRPT_CLOSED_DAYS     31
#define TLSRPT_CLOSED_CHUNKS   1024         /* of a month, at most */
/* A packed report that is larger than a chunk is one of its own; so is a day
   log that cannot be understood. */
#define TLSRPT_CLOSED_CHUNK    65536        /* bytes of text */
#define TLSRPT_CLOSED_TEXT     (262144 + 16)
#define TLSRPT_CLOSED_RUN      8192         /* digests */

/* A month is closed from this day on: when it is over for a week. */
int32_t tlsrpt_closed_due(int32_t day);

/* May the month of this day be closed?  Two days before it is due, as the
   clocks of hosts differ. */
int tlsrpt_closed_perhaps(int32_t day, int32_t today);

typedef struct {
    unsigned char    salt[TLSRPT_CLOSED_SALT];
    uint64_t         stream;
    size_t           nchunks;
    size_t           nruns;
    uint64_t         ndigests;
    tlsrpt_totals_t  days[TLSRPT_CLOSED_DAYS];
} tlsrpt_closed_t;

/* 1: read; 0: there is none, which is all zeroes; -1: of a later version, or
   none of ours: all zeroes, and to be left alone. */
int tlsrpt_closed_parse(const tlsrpt_reply_t *head, tlsrpt_closed_t *closed);
void tlsrpt_closed_put(tlsrpt_buf_t *head, const tlsrpt_closed_t *closed);

/* What a chunk holds, one piece after the other.  All zeroes before the first,
   and after _free. */
typedef struct {
    char      *text;
    size_t     len;
    size_t     pos;
    uint64_t   start;                       /* of the text, in the stream */
} tlsrpt_chunk_t;

typedef struct {
    int        day;                         /* of the month, from 1 */
    uint64_t   at;                          /* in the stream */
    const char *data;                       /* packed reports */
    size_t     len;
} tlsrpt_piece_t;

/* 0, or -1: no memory.  What is no chunk is an empty one. */
int tlsrpt_chunk_read(tlsrpt_chunk_t *chunk, const tlsrpt_reply_t *reply)
    TLSRPT_MUST_USE;
/* 1: the next piece, valid until the next _read or _free; 0: that was all. */
int tlsrpt_chunk_next(tlsrpt_chunk_t *chunk, tlsrpt_piece_t *piece);
void tlsrpt_chunk_free(tlsrpt_chunk_t *chunk);

/* Adds a piece to a text. */
void tlsrpt_chunk_add(tlsrpt_buf_t *text, int day, const char *data,
    size_t len);
/* The text as a chunk; 0, or -1: no memory. */
int tlsrpt_chunk_write(tlsrpt_buf_t *chunk, uint64_t start,
    const tlsrpt_buf_t *text) TLSRPT_MUST_USE;

/* Adds the digests to the run and puts them in order, each once.  members: of
   the sets that they stand in, strings; what is none is passed over. */
void tlsrpt_run_add(tlsrpt_buf_t *run, const tlsrpt_closed_t *closed,
    const tlsrpt_reply_t *members);
void tlsrpt_run_sort(tlsrpt_buf_t *run);

/* EVALSHA of month.lua: what name (HGETALL, GET) reads of the key, and the head
   of the closed month, at one moment: [head or "", what the key holds]. */
typedef struct {
    tlsrpt_key_t      closed;
    tlsrpt_key_t      key;
    tlsrpt_command_t  command;
    const char       *argv[6];
    size_t            argvlen[6];
} tlsrpt_closed_read_t;

/* Once both keys are there.  name is borrowed. */
const tlsrpt_command_t *tlsrpt_closed_read(tlsrpt_closed_read_t *read,
    const char *name);

#pragma GCC visibility pop

#endif /* TLSRPT_CLOSED_H */
