/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A push reader of I-JSON (RFC 7493): text in any split in, events out.
 * No tree, no copy of the text; memory is bounded by the limits below.
 */

#ifndef TLSRPT_JSON_H
#define TLSRPT_JSON_H

#include "tlsrpt_error.h"
#include "tlsrpt_str.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_JSON_MAX_DEPTH    32         /* TLSRPT_ERR_TOO_DEEP */
#define TLSRPT_JSON_MAX_MEMBERS  256        /* of one object: _TOO_MANY */
#define TLSRPT_JSON_MAX_STRING   16384      /* decoded bytes: _TOO_LONG */
#define TLSRPT_JSON_MAX_NUMBER   1024       /* digits and all: _TOO_LONG */

/* What costs more than its length is charged; one is about two nanoseconds. */
#define TLSRPT_JSON_COST_NAME    32         /* that is not expected */
#define TLSRPT_JSON_COST_DECODED 8          /* expected, spelled otherwise */
#define TLSRPT_JSON_COST_ESCAPE  16

typedef enum {
    TLSRPT_JSON_OBJECT,
    TLSRPT_JSON_OBJECT_END,
    TLSRPT_JSON_ARRAY,
    TLSRPT_JSON_ARRAY_END,
    TLSRPT_JSON_KEY,                        /* not expected; s, len: decoded */
    TLSRPT_JSON_STRING,                     /* s, len: decoded */
    TLSRPT_JSON_NUMBER,                     /* s, len: as written */
    TLSRPT_JSON_TRUE,
    TLSRPT_JSON_FALSE,
    TLSRPT_JSON_NULL
} tlsrpt_json_event_t;

/* A name as it mostly stands in the text: in quotes, with its colon.  At least
   eight bytes, none of them escaped. */
typedef struct {
    const char  *quoted;
    size_t       len;
} tlsrpt_json_name_t;

/* s is valid within the call only, and not NUL ended.  Anything but TLSRPT_OK
   stops the reader with that code. */
typedef int (*tlsrpt_json_handler_pt)(void *ctx, tlsrpt_json_event_t event,
    const char *s, size_t len);

typedef struct tlsrpt_json tlsrpt_json_t;

tlsrpt_json_t *tlsrpt_json_create(void) TLSRPT_MUST_USE;
void tlsrpt_json_destroy(tlsrpt_json_t *json);
void tlsrpt_json_reset(tlsrpt_json_t *json, tlsrpt_json_handler_pt handler,
    void *ctx);

/*
 * For the handler, when an object begins: the names that are expected in it,
 * mostly in this order, at most 32.  They are recognized without decoding, need
 * not be kept, and make no events: *told is the last name read where that was
 * expected, else NULL.  Each of the n things of size bytes begins with a
 * tlsrpt_json_name_t.
 */
void tlsrpt_json_expect(tlsrpt_json_t *json, const void *names, size_t n,
    size_t size, const tlsrpt_json_name_t **told);

/*
 * The budget: what may be charged for the text so far, by the reader itself
 * (TLSRPT_JSON_COST_...) and by its handler.  allow: sets the sum, which has no
 * bound after a reset, and may grow with the text.  spend: TLSRPT_OK, or
 * TLSRPT_ERR_TOO_COSTLY and nothing is charged.
 */
void tlsrpt_json_allow(tlsrpt_json_t *json, size_t budget);
int tlsrpt_json_spend(tlsrpt_json_t *json, size_t cost) TLSRPT_MUST_USE;

/*
 * feed: TLSRPT_OK, or the error, which stays; the cost is linear in the text
 * whatever the split.  finish: the end of the text.
 * The text is one object or array at the top, after an optional BOM; white
 * space and NULs may follow (sloppy senders; see tlsrpt_json_trailing).
 */
int tlsrpt_json_feed(tlsrpt_json_t *json, const void *text, size_t len)
    TLSRPT_MUST_USE;
int tlsrpt_json_finish(tlsrpt_json_t *json) TLSRPT_MUST_USE;

/* Where the reader is: the byte after the last event's token, or the offending
   byte after an error.  From 0, 1, 1. */
void tlsrpt_json_position(const tlsrpt_json_t *json, size_t *offset,
    size_t *line, size_t *column);

/* Does a string, number or literal go on beyond what was fed? */
int tlsrpt_json_is_within_token(const tlsrpt_json_t *json);

/* Bits: deviations that were passed over. */
#define TLSRPT_JSON_BOM    1
#define TLSRPT_JSON_NULS   2                /* NUL bytes after the text */
unsigned tlsrpt_json_deviations(const tlsrpt_json_t *json);

#pragma GCC visibility pop

#endif /* TLSRPT_JSON_H */
