/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Texts of reports, compressed for keeping.  A short one in one piece, with a
 * dictionary of typical reports, as a frame of zstd (RFC 8878) without its
 * magic number; a long one piece by piece, as a plain frame.  And problems of a
 * domain, with a dictionary of typical ones, as a frame.
 *
 * The dictionaries have numbers from 1 on, and stay for ever: what was
 * compressed with one can be read with no other.  How to make one:
 * tools/make-dictionary.
 */

#ifndef TLSRPT_ZSTD_H
#define TLSRPT_ZSTD_H

#include "tlsrpt_buf.h"
#include "tlsrpt_str.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_ZSTD_DICTIONARY  1           /* the newest of reports */
#define TLSRPT_ZSTD_PROBLEMS    1           /* the newest of problems */
#define TLSRPT_ZSTD_SHORT       16384       /* the longest short text */

/* Generated from shared/store/report-*.dict and problem-*.dict by the build. */
extern const tlsrpt_str_t  tlsrpt_zstd_reports[];
extern const tlsrpt_str_t  tlsrpt_zstd_problems[];

/* Appends the text, at most _SHORT bytes of it, compressed with the newest
   dictionary; 0, or -1: no memory. */
int tlsrpt_zstd_pack(tlsrpt_buf_t *out, const void *text, size_t len)
    TLSRPT_MUST_USE;

/* Into text, which has room for _SHORT bytes; how many they are, 0: these bytes
   are none that _pack() made, or there is no memory. */
size_t tlsrpt_zstd_unpack(unsigned dictionary, const void *bytes, size_t len,
    char *text) TLSRPT_MUST_USE;

/* Appends problems, compressed with the newest dictionary of those; 0, or -1:
   no memory. */
int tlsrpt_zstd_pack_problems(tlsrpt_buf_t *out, const void *text, size_t len)
    TLSRPT_MUST_USE;

/* Appends their text; 0; -1: no memory; 1: these bytes are none that
   _pack_problems() made, or the text has more than max bytes. */
int tlsrpt_zstd_unpack_problems(unsigned dictionary, const void *bytes,
    size_t len, size_t max, tlsrpt_buf_t *text) TLSRPT_MUST_USE;


/*
 * Piece by piece.  Whoever unpacks has room for the next piece of text, of any
 * size, and calls again as long as the room was filled or bytes are left.
 */

typedef struct tlsrpt_zstd  tlsrpt_zstd_t;

tlsrpt_zstd_t *tlsrpt_zstd_create(void) TLSRPT_MUST_USE;
void tlsrpt_zstd_destroy(tlsrpt_zstd_t *zstd);

/* Appends what there is of it by now, at the end the rest; 0, or -1: no
   memory. */
int tlsrpt_zstd_add(tlsrpt_zstd_t *zstd, const void *text, size_t len,
    int at_end, tlsrpt_buf_t *out) TLSRPT_MUST_USE;

typedef struct tlsrpt_unzstd  tlsrpt_unzstd_t;

tlsrpt_unzstd_t *tlsrpt_unzstd_create(void) TLSRPT_MUST_USE;
void tlsrpt_unzstd_destroy(tlsrpt_unzstd_t *unzstd);

/* Takes bytes, which move on, and fills text; *len: its size, then how much of
   it there is.  1: that is the end; 0: there is more; -1: that is no frame of
   zstd. */
int tlsrpt_unzstd_next(tlsrpt_unzstd_t *unzstd, tlsrpt_str_t *bytes,
    char *text, size_t *len) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_ZSTD_H */
