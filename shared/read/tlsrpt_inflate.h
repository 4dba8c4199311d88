/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * bytes -> text: gzip or plain, decided by the first bytes (RFC 8460 5.2 asks
 * for gzip; the body decides, no header is trusted).
 */

#ifndef TLSRPT_INFLATE_H
#define TLSRPT_INFLATE_H

#include "tlsrpt_error.h"
#include "tlsrpt_str.h"

#pragma GCC visibility push(hidden)

/* Takes text as it comes out; anything but TLSRPT_OK stops with that code. */
typedef int (*tlsrpt_inflate_sink_pt)(void *ctx, const unsigned char *text,
    size_t len);

typedef struct tlsrpt_inflate tlsrpt_inflate_t;

tlsrpt_inflate_t *tlsrpt_inflate_create(void) TLSRPT_MUST_USE;
void tlsrpt_inflate_destroy(tlsrpt_inflate_t *inflate);

/* max_size bounds the text that comes out (TLSRPT_ERR_TOO_LARGE), plain text
   too; what is between two layers of gzip as well.  The number of bytes that it
   comes out of bounds it, too (TLSRPT_ERR_RATIO): tlsrpt_inflate_allowed(). */
void tlsrpt_inflate_reset(tlsrpt_inflate_t *inflate, size_t max_size,
    tlsrpt_inflate_sink_pt sink, void *ctx);

/*
 * feed: any split.  finish: the end of the bytes; TLSRPT_ERR_EMPTY where there
 * were none (or white space only), TLSRPT_ERR_GZIP_TRUNCATED within a member.
 * Several gzip members follow one another (RFC 1952 2.2); gzip within gzip is
 * undone once; a zip archive is TLSRPT_ERR_ZIP; plain text must begin, after a
 * BOM and white space, with a brace, else TLSRPT_ERR_NOT_REPORT.
 */
int tlsrpt_inflate_feed(tlsrpt_inflate_t *inflate, const void *bytes,
    size_t len) TLSRPT_MUST_USE;
int tlsrpt_inflate_finish(tlsrpt_inflate_t *inflate) TLSRPT_MUST_USE;

/* Where in the body it stopped: the offset of the byte. */
size_t tlsrpt_inflate_offset(const tlsrpt_inflate_t *inflate);
/* The longest text that len bytes of a body may become: 128 times as much, and
   64 KiB at least.  Failure details that differ in a digit or two shrink to a
   hundredth when zipped, as an honest sender does it; deflate could shrink to a
   thousandth.  Nobody zips twice on purpose: then 64 times as much, and 16 KiB
   at least. */
size_t tlsrpt_inflate_allowed(size_t len, int is_twice);
/* zlib's own words, or NULL. */
const char *tlsrpt_inflate_message(const tlsrpt_inflate_t *inflate);

/* Bits: deviations that were passed over. */
#define TLSRPT_INFLATE_PLAIN     1          /* no gzip at all */
#define TLSRPT_INFLATE_TWICE     2
#define TLSRPT_INFLATE_MEMBERS   4          /* several members */
#define TLSRPT_INFLATE_TRAILING  8          /* bytes after the last member */
unsigned tlsrpt_inflate_deviations(const tlsrpt_inflate_t *inflate);

#pragma GCC visibility pop

#endif /* TLSRPT_INFLATE_H */
