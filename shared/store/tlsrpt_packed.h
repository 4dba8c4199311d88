/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * tally <-> packed report: the bytes in which a report is kept in a day's log.
 *
 * A day log is one string in Redis: the packed reports that count on the
 * day, one behind the other.  Every counter that can be asked for is a sum over
 * packed reports, and a sender reports once a day, so this is smaller than
 * counters for every combination, and adding one is one write.
 *
 *     packed   = length body              ; length of the body
 *     body     = flags [org] [strings] successful failed types [policies]
 *                [rows]
 *     flags    = 1 byte                   ; TLSRPT_PACKED_...; _STRUCK: it
 *                                         ; does not count any more
 *     org      = length bytes             ; organization-name
 *     strings  = count *(header bytes)    ; header: length * 4 + kind
 *     kind     = 0                        ; text
 *              / 1                        ; 4 or 16 bytes of an IP address
 *              / 2                        ; text, and the policy domain
 *     types    = type                     ; with _SINGLE: counts as sessions
 *              / count *(type successful failed)
 *     policies = mode count *(mx)         ; of each type with failures
 *     rows     = overflow count *(index result-type ip mx ip reason failed)
 *
 * All numbers are varints: seven bits a byte, least significant first.  type
 * and result-type: 0 not given, then the codes of tlsrpt_result.h, then
 * strings; mx and the other members of a row: 0 not given, then strings.  mode:
 * 0 not told, then MTA_STS_... + 1.
 */

#ifndef TLSRPT_PACKED_H
#define TLSRPT_PACKED_H

#include "tlsrpt_buf.h"
#include "tlsrpt_ingest.h"
#include "tlsrpt_strings.h"
#include "tlsrpt_tally.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_PACKED_MAIL     0x01
#define TLSRPT_PACKED_ORG      0x02
#define TLSRPT_PACKED_STRINGS  0x04
#define TLSRPT_PACKED_SINGLE   0x08
#define TLSRPT_PACKED_ROWS     0x10
#define TLSRPT_PACKED_POLICY   0x20
#define TLSRPT_PACKED_FLAGS    0x3f         /* others: a later version */
#define TLSRPT_PACKED_STRUCK   0x40         /* every version passes over it */

/* brief: without rows; what they count is overflow.  0, or -1: no memory. */
int tlsrpt_packed_encode(tlsrpt_buf_t *buf, const tlsrpt_tally_t *tally,
    tlsrpt_str_t domain, tlsrpt_str_t organization, unsigned via, int brief)
    TLSRPT_MUST_USE;

/* A member's value. */
enum {
    TLSRPT_VALUE_NULL = 0,
    TLSRPT_VALUE_TEXT,
    TLSRPT_VALUE_IP                         /* 4 or 16 bytes */
};

typedef struct {
    const char     *data;
    uint16_t        len;
    uint8_t         kind;
} tlsrpt_value_t;

/* Text that is borrowed, or with data NULL none; bounded. */

static inline tlsrpt_value_t
tlsrpt_value_of(const char *data, size_t len)
{
    tlsrpt_value_t  v = { NULL, 0, TLSRPT_VALUE_NULL };

    if (data != NULL) {
        v.data = data;
        v.len = (uint16_t) (len > TLSRPT_MAX_STRING ? TLSRPT_MAX_STRING : len);
        v.kind = TLSRPT_VALUE_TEXT;
    }

    return v;
}

typedef struct {
    tlsrpt_value_t  policy_type;
    uint64_t        successful;
    uint64_t        failed;
    unsigned        mode;                   /* MTA_STS_... + 1; 0: not told */
    size_t          nmx;
    tlsrpt_value_t  mx[TLSRPT_MAX_PATTERNS];
} tlsrpt_packed_type_t;

#define TLSRPT_MAX_PACKED_STRINGS                                             \
    (5 * TLSRPT_MAX_ROWS + (TLSRPT_MAX_TYPES + 1) * (TLSRPT_MAX_PATTERNS + 1))

/* The strings of a packed report that end in the policy domain, spelled out. */
#define TLSRPT_MAX_PACKED_TEXT  32768

/* A decoder: some 120 kB, to be used for one packed report after the other. */
typedef struct {
    tlsrpt_str_t           domain;
    const unsigned char   *pos;
    const unsigned char   *end;             /* of the day log */
    const unsigned char   *next;            /* packed report */

    unsigned               via;
    tlsrpt_value_t         organization;
    uint64_t               successful;
    uint64_t               failed;
    size_t                 ntypes;
    tlsrpt_packed_type_t   types[TLSRPT_MAX_TYPES + 1];
    uint64_t               overflow;
    size_t                 nrows;           /* still to be read */
    size_t                 nstrings;
    tlsrpt_value_t         strings[TLSRPT_MAX_PACKED_STRINGS];
    size_t                 ntext;
    char                   text[TLSRPT_MAX_PACKED_TEXT];
} tlsrpt_packed_t;

typedef struct {
    unsigned        type;
    tlsrpt_value_t  result_type;
    tlsrpt_value_t  sending_mta_ip;
    tlsrpt_value_t  receiving_mx_hostname;
    tlsrpt_value_t  receiving_ip;
    tlsrpt_value_t  failure_reason_code;
    uint64_t        failed;
} tlsrpt_row_t;

/* Bytes of the packed report that a day log begins with; 0: of none. */
size_t tlsrpt_packed_first(const char *day_log, size_t len);
/* Bytes of the whole packed reports that a day log begins with. */
size_t tlsrpt_packed_whole(const char *day_log, size_t len);

/* domain, day log: borrowed until the last packed report. */
void tlsrpt_packed_begin(tlsrpt_packed_t *packed, tlsrpt_str_t domain,
    const char *day_log, size_t len);
/* 1: the next packed report is there; 0: the end.  Its strings last until the
   one after it.  What cannot be understood ends the day log, or (from a later
   version) is passed over. */
int tlsrpt_packed_next(tlsrpt_packed_t *packed) TLSRPT_MUST_USE;
/* 1: the packed report's next row; 0: there is none. */
int tlsrpt_packed_row(tlsrpt_packed_t *packed, tlsrpt_row_t *row)
    TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_PACKED_H */
