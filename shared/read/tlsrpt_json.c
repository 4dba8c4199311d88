/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The lexer of I-JSON (RFC 7493), one file over 700 lines, and why.
 *
 * A lexer is one machine.  Its states (what may come next, which token was cut,
 * what of an escape, a number, a character has been read) are set in one place
 * and looked at in another, so each half would need to know all of the other;
 * and where a compiler sees them together, what passes for every byte stays in
 * registers: a fifth of the time that reading a report takes.  What can be
 * understood by itself has left: characters (tlsrpt_utf8.h), the names of
 * members (tlsrpt_json_names.h), buffers.
 *
 * The functions read from p up to end and return where they stopped, or NULL
 * after an error, which fail() has noted.  The text comes in pieces that end
 * anywhere.  A token that lies whole in a piece is handed on where it lies: no
 * copy.  One that is cut or escaped is gathered in the scratch buffer; then
 * token says which it is, and the next piece goes to its resume_...() first.
 * No byte of a former piece is read again, so the cost is linear whatever they
 * are.
 *
 * From the top: read_next() makes one step of the grammar by what is expected.
 * read_name(), read_colon(), read_value() and read_comma() follow each other
 * without it where the text does, as it mostly does; a frame for each open
 * container says what follows its end.
 *
 * A string is passed over eight bytes at a time (skip_ascii) up to its quote,
 * a backslash, a control or a byte that is no ASCII.  Only where it is not
 * whole and plain does it come to resume_string(), which goes byte by byte
 * through escapes and characters.
 *
 * Places are offsets in the text: origin is the difference between an address
 * in this piece and its offset, so that none needs to be counted.
 */

#include "tlsrpt_buf.h"
#include "tlsrpt_json.h"
#include "tlsrpt_json_names.h"
#include "tlsrpt_utf8.h"

#include <stdlib.h>
#include <string.h>

#include "tlsrpt_hash.h"

#define BUFFER_KEEP  4096                   /* over it: given back on reset */

#define REPEAT(c)    (UINT64_C(0x0101010101010101) * (c))

/* Every byte or token passes here: worth a fifth of the whole time. */
#define HOT          TLSRPT_JSON_HOT
/* What needs its registers for itself, or is rare. */
#define ALONE        __attribute__((noinline))

enum {
    EXPECT_START = 0,                       /* or a BOM */
    EXPECT_TOP,
    EXPECT_FIRST_NAME,                      /* or the object's end */
    EXPECT_NAME,
    EXPECT_COLON,
    EXPECT_FIRST_VALUE,                     /* or the array's end */
    EXPECT_VALUE,
    EXPECT_COMMA,                           /* or the end */
    EXPECT_NOTHING
};

/* What was cut by the end of the text fed. */
enum {
    TOKEN_NONE = 0,
    TOKEN_STRING,
    TOKEN_NUMBER,
    TOKEN_LITERAL
};

/* What of the number has been read. */
enum {
    NUMBER_START = 0,
    NUMBER_MINUS,
    NUMBER_ZERO,
    NUMBER_INTEGER,
    NUMBER_POINT,
    NUMBER_FRACTION,
    NUMBER_E,
    NUMBER_E_SIGN,
    NUMBER_EXPONENT,
    NUMBER_END,
    NUMBER_BAD
};

/* What of an escape has been read; ESCAPE_HEX + n: n digits. */
enum {
    ESCAPE_NONE = 0,
    ESCAPE_BACKSLASH,
    ESCAPE_HEX
};

typedef unsigned char  byte_t;

typedef struct {
    int                   is_object;
    tlsrpt_json_object_t  object;
} frame_t;

struct tlsrpt_json {
    tlsrpt_json_handler_pt  handler;
    void                   *ctx;

    int                     error;
    unsigned                deviations;

    /* Offsets in the text.  origin is what an address in the text being fed is
       ahead of its offset, and wraps. */
    uintptr_t               origin;
    size_t                  offset;
    size_t                  token_offset;   /* of a string's quote */
    size_t                  escape_offset;  /* of an escape's backslash */
    size_t                  line;
    size_t                  line_offset;    /* of its first byte */

    int                     expect;
    int                     token;

    int                     number;
    const char             *literal;        /* what is still to come */
    tlsrpt_json_event_t     literal_event;
    unsigned                bom;            /* bytes of it read */

    int                     escape;
    unsigned                unit;           /* of UTF-16, being read */
    unsigned                high;           /* surrogate that needs a low one */
    tlsrpt_utf8_t           utf8;           /* of a character being read */

    tlsrpt_buf_t            scratch;
    tlsrpt_json_names_t     names;          /* of all open objects */
    size_t                  spent;          /* of the budget */
    size_t                  allowed;

    frame_t                *frame;          /* the innermost */
    frame_t                 frames[TLSRPT_JSON_MAX_DEPTH + 1];
};


/*
 * Errors and places
 */

static HOT size_t
offset_of(const tlsrpt_json_t *json, const byte_t *p)
{
    return (size_t) ((uintptr_t) p - json->origin);
}


static const byte_t *
fail_at(tlsrpt_json_t *json, int code, size_t offset)
{
    json->error = code;
    json->offset = offset;
    return NULL;
}


static const byte_t *
fail(tlsrpt_json_t *json, int code, const byte_t *p)
{
    return fail_at(json, code, offset_of(json, p));
}


/* p: the byte after the token.  Returns it. */
static HOT const byte_t *
emit(tlsrpt_json_t *json, tlsrpt_json_event_t event, const void *s, size_t len,
    const byte_t *p)
{
    int  rc;

    json->offset = offset_of(json, p);

    rc = json->handler(json->ctx, event, s, len);
    if (rc != TLSRPT_OK) {
        json->error = rc;
        return NULL;
    }

    return p;
}


/*
 * The budget
 */

static int
spend(tlsrpt_json_t *json, size_t cost)
{
    if (cost > json->allowed - json->spent) {
        return TLSRPT_ERR_TOO_COSTLY;
    }

    json->spent += cost;
    return TLSRPT_OK;
}


/*
 * Strings
 */

/* Over the bytes that stand for themselves and need no look: eight at a time.
   Those below 0x20 and the quote, 0x22, are below 0x21 once their bit of 2 is
   turned, and no others.  A borrow spoils only the bytes above the first
   hit. */
static ALONE const byte_t *
skip_ascii(const byte_t *p, const byte_t *end)
{
    uint64_t  x, hit;

    while (end - p >= 8) {
        x = tlsrpt_json_load64(p);
        hit = ((x ^ REPEAT(2)) - REPEAT(0x21))
              | ((x ^ REPEAT('\\')) - REPEAT(1)) | x;
        hit &= REPEAT(0x80);

        if (hit != 0) {
            return p + (__builtin_ctzll(hit) >> 3);
        }

        p += 8;
    }

    while (p < end && *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\') {
        p++;
    }

    return p;
}


static ALONE const byte_t *
skip_utf8(const byte_t *p, const byte_t *end)
{
    size_t  len;

    while (p < end && *p >= 0x80) {
        len = tlsrpt_utf8_len(p, (size_t) (end - p));
        if (len == 0) {
            return p;
        }

        p = skip_ascii(p + len, end);
    }

    return p;
}


/* The same, and over whole UTF-8 sequences. */
static HOT const byte_t *
skip_plain(const byte_t *p, const byte_t *end)
{
    p = skip_ascii(p, end);

    return p < end && *p >= 0x80 ? skip_utf8(p, end) : p;
}


static ALONE const byte_t *
end_name(tlsrpt_json_t *json, const void *s, size_t len, const byte_t *p)
{
    tlsrpt_json_object_t  *object = &json->frame->object;
    int                    is_expected = tlsrpt_json_seek_decoded(object, s,
                                                                  len);
    int                    rc;

    rc = spend(json, is_expected ? TLSRPT_JSON_COST_DECODED
                                 : TLSRPT_JSON_COST_NAME + len / 8);

    if (rc == TLSRPT_OK) {
        rc = is_expected ? tlsrpt_json_name_give(object)
                         : tlsrpt_json_name_add(&json->names, object, s, len);
    }

    if (rc != TLSRPT_OK) {
        return fail_at(json, rc, json->token_offset);
    }

    json->expect = EXPECT_COLON;
    return is_expected ? p : emit(json, TLSRPT_JSON_KEY, s, len, p);
}


static HOT const byte_t *
end_string(tlsrpt_json_t *json, const void *s, size_t len, const byte_t *p)
{
    if (json->expect != EXPECT_VALUE) {
        return end_name(json, s, len, p);
    }

    json->expect = EXPECT_COMMA;
    return emit(json, TLSRPT_JSON_STRING, s, len, p);
}


/* In scratch.  p: where the reader is, for the error. */
static int
hold(tlsrpt_json_t *json, const void *bytes, size_t len, const byte_t *p)
{
    tlsrpt_buf_add(&json->scratch, bytes, len);

    if (json->scratch.failed) {
        (void) fail(json, TLSRPT_ERR_MEMORY, p);
    }

    return json->error;
}


/* p: the byte that adds them. */
static const byte_t *
gather(tlsrpt_json_t *json, const void *bytes, size_t len, const byte_t *p)
{
    if (len > TLSRPT_JSON_MAX_STRING - json->scratch.len) {
        return fail(json, TLSRPT_ERR_TOO_LONG, p);
    }

    return hold(json, bytes, len, p) == TLSRPT_OK ? p + 1 : NULL;
}


/* The first byte of a UTF-8 sequence that skip_plain stopped at. */
static const byte_t *
begin_utf8(tlsrpt_json_t *json, const byte_t *p)
{
    json->utf8 = tlsrpt_utf8_begin(*p);

    return json->utf8.left != 0 ? gather(json, p, 1, p)
                                : fail(json, TLSRPT_ERR_JSON_UTF8, p);
}


static const byte_t *
read_utf8(tlsrpt_json_t *json, const byte_t *p)
{
    if (*p < json->utf8.low || *p > json->utf8.high) {
        return fail(json, TLSRPT_ERR_JSON_UTF8, p);
    }

    json->utf8.left--;
    json->utf8.low = 0x80;
    json->utf8.high = 0xbf;

    return gather(json, p, 1, p);
}


/* A whole \uXXXX, p at its last digit.  NUL and unpaired surrogates name the
   backslash (RFC 7493 2.1; NUL ends strings in too many readers). */
static const byte_t *
end_unit(tlsrpt_json_t *json, const byte_t *p)
{
    char      utf8[TLSRPT_UTF8_MAX];
    uint32_t  unit = json->unit;
    int       is_low = unit >= 0xdc00 && unit <= 0xdfff;

    json->escape = ESCAPE_NONE;

    if (unit == 0 || is_low != (json->high != 0)) {
        return fail_at(json, TLSRPT_ERR_JSON_STRING, json->escape_offset);
    }

    if (is_low) {
        unit = 0x10000 + ((json->high - 0xd800) << 10) + (unit - 0xdc00);
        json->high = 0;

    } else if (unit >= 0xd800 && unit <= 0xdbff) {
        json->high = unit;
        return p + 1;
    }

    return gather(json, utf8, tlsrpt_utf8_put(utf8, unit), p);
}


static const byte_t *
read_hex(tlsrpt_json_t *json, const byte_t *p)
{
    byte_t    c = *p, lower = c | 0x20;
    unsigned  digit;

    if (c >= '0' && c <= '9') {
        digit = c - '0';

    } else if (lower >= 'a' && lower <= 'f') {
        digit = lower - 'a' + 10;

    } else {
        return fail(json, TLSRPT_ERR_JSON, p);
    }

    json->unit = json->unit << 4 | digit;

    if (++json->escape == ESCAPE_HEX + 4) {
        return end_unit(json, p);
    }

    return p + 1;
}


static const byte_t *
read_escape(tlsrpt_json_t *json, const byte_t *p)
{
    static const char  names[] = "\"\\/bfnrt";
    static const char  values[] = "\"\\/\b\f\n\r\t";
    const char        *name;

    if (json->escape >= ESCAPE_HEX) {
        return read_hex(json, p);
    }

    if (*p == 'u') {
        json->escape = ESCAPE_HEX;
        json->unit = 0;
        return p + 1;
    }

    if (json->high != 0) {
        return fail_at(json, TLSRPT_ERR_JSON_STRING, json->escape_offset);
    }

    name = memchr(names, *p, sizeof(names) - 1);
    if (name == NULL) {
        return fail(json, TLSRPT_ERR_JSON, p);
    }

    json->escape = ESCAPE_NONE;
    return gather(json, values + (name - names), 1, p);
}


/* A byte that skip_plain stopped at, but no quote. */
static const byte_t *
read_special(tlsrpt_json_t *json, const byte_t *p)
{
    if (*p == '\\') {
        json->escape = ESCAPE_BACKSLASH;

        if (spend(json, TLSRPT_JSON_COST_ESCAPE) != TLSRPT_OK) {
            return fail(json, TLSRPT_ERR_TOO_COSTLY, p);
        }

        if (json->high == 0) {
            json->escape_offset = offset_of(json, p);
        }

        return p + 1;
    }

    if (*p < 0x20) {
        return fail(json, TLSRPT_ERR_JSON, p);
    }

    if (*p >= 0x80) {
        return begin_utf8(json, p);
    }

    /* an ordinary byte over the limit */
    return fail(json, TLSRPT_ERR_TOO_LONG, p);
}


/* In a string that is not within an escape or a UTF-8 sequence. */
static const byte_t *
read_run(tlsrpt_json_t *json, const byte_t *p, const byte_t *end)
{
    size_t         room = TLSRPT_JSON_MAX_STRING - json->scratch.len;
    const byte_t  *limit = (size_t) (end - p) > room ? p + room : end;
    const byte_t  *q;

    if (json->high != 0 && *p != '\\') {
        return fail_at(json, TLSRPT_ERR_JSON_STRING, json->escape_offset);
    }

    q = skip_plain(p, limit);

    if (hold(json, p, (size_t) (q - p), p) != TLSRPT_OK) {
        return NULL;
    }

    if (q == end) {
        return q;
    }

    if (*q == '"') {
        json->token = TOKEN_NONE;
        return end_string(json, json->scratch.len ? json->scratch.data : "",
                          json->scratch.len, q + 1);
    }

    return read_special(json, q);
}


static const byte_t *
resume_string(tlsrpt_json_t *json, const byte_t *p, const byte_t *end)
{
    do {
        if (json->escape != ESCAPE_NONE) {
            p = read_escape(json, p);

        } else if (json->utf8.left != 0) {
            p = read_utf8(json, p);

        } else {
            p = read_run(json, p, end);
        }
    } while (p != NULL && p < end && json->token == TOKEN_STRING);

    return p;
}


/* p: after the quote, of which token_offset tells. */
static HOT const byte_t *
read_string(tlsrpt_json_t *json, const byte_t *p, const byte_t *end)
{
    const byte_t  *limit, *q;

    limit = end - p > TLSRPT_JSON_MAX_STRING ? p + TLSRPT_JSON_MAX_STRING : end;
    q = skip_plain(p, limit);

    if (q < end && *q == '"') {
        return end_string(json, p, (size_t) (q - p), q + 1);
    }

    json->token = TOKEN_STRING;
    json->scratch.len = 0;

    if (hold(json, p, (size_t) (q - p), p) != TLSRPT_OK) {
        return NULL;
    }

    return q == end ? q : resume_string(json, q, end);
}


/*
 * Numbers and literals
 */

static inline int
number_next(int number, byte_t c)
{
    int  is_digit = c >= '0' && c <= '9';

    switch (number) {

    case NUMBER_START:
        if (c == '-') {
            return NUMBER_MINUS;
        }
        /* fall through */

    case NUMBER_MINUS:
        return !is_digit ? NUMBER_BAD : c == '0' ? NUMBER_ZERO : NUMBER_INTEGER;

    case NUMBER_INTEGER:
        if (is_digit) {
            return NUMBER_INTEGER;
        }
        /* fall through */

    case NUMBER_ZERO:
        return c == '.' ? NUMBER_POINT
               : (c | 0x20) == 'e' ? NUMBER_E : NUMBER_END;

    case NUMBER_POINT:
        return is_digit ? NUMBER_FRACTION : NUMBER_BAD;

    case NUMBER_FRACTION:
        return is_digit ? NUMBER_FRACTION
               : (c | 0x20) == 'e' ? NUMBER_E : NUMBER_END;

    case NUMBER_E:
        if (c == '+' || c == '-') {
            return NUMBER_E_SIGN;
        }
        /* fall through */

    case NUMBER_E_SIGN:
        return is_digit ? NUMBER_EXPONENT : NUMBER_BAD;

    default: /* NUMBER_EXPONENT */
        return is_digit ? NUMBER_EXPONENT : NUMBER_END;
    }
}


/* Would another digit leave it as it is? */
static inline int
is_in_digits(int number)
{
    return number == NUMBER_INTEGER || number == NUMBER_FRACTION
           || number == NUMBER_EXPONENT;
}


static const byte_t *
end_number(tlsrpt_json_t *json, const byte_t *start, const byte_t *p)
{
    json->expect = EXPECT_COMMA;

    if (json->token == TOKEN_NONE) {
        return emit(json, TLSRPT_JSON_NUMBER, start, (size_t) (p - start), p);
    }

    json->token = TOKEN_NONE;

    if (hold(json, start, (size_t) (p - start), p) != TLSRPT_OK) {
        return NULL;
    }

    return emit(json, TLSRPT_JSON_NUMBER, json->scratch.data,
                json->scratch.len, p);
}


static const byte_t *
resume_number(tlsrpt_json_t *json, const byte_t *start, const byte_t *end)
{
    int            number = json->number, next;
    size_t         room = TLSRPT_JSON_MAX_NUMBER - json->scratch.len;
    const byte_t  *p;

    for (p = start; p < end; p++) {
        next = number_next(number, *p);

        if (next == NUMBER_END) {
            return end_number(json, start, p);
        }

        if (next == NUMBER_BAD) {
            return fail(json, TLSRPT_ERR_JSON, p);
        }

        if ((size_t) (p - start) == room) {
            return fail(json, TLSRPT_ERR_TOO_LONG, p);
        }

        number = next;

        while (is_in_digits(number) && p + 1 < end
               && (size_t) (p + 1 - start) < room
               && p[1] >= '0' && p[1] <= '9')
        {
            p++;
        }
    }

    json->token = TOKEN_NUMBER;
    json->number = number;

    if (hold(json, start, (size_t) (p - start), start) != TLSRPT_OK) {
        return NULL;
    }

    return p;
}


static const byte_t *
read_number(tlsrpt_json_t *json, const byte_t *p, const byte_t *end)
{
    json->scratch.len = 0;
    json->number = NUMBER_START;
    return resume_number(json, p, end);
}


static const byte_t *
resume_literal(tlsrpt_json_t *json, const byte_t *p, const byte_t *end)
{
    for ( ; *json->literal != '\0'; json->literal++, p++) {

        if (p == end) {
            json->token = TOKEN_LITERAL;
            return p;
        }

        if (*p != (byte_t) *json->literal) {
            return fail(json, TLSRPT_ERR_JSON, p);
        }
    }

    json->token = TOKEN_NONE;
    json->expect = EXPECT_COMMA;
    return emit(json, json->literal_event, NULL, 0, p);
}


static const byte_t *
read_literal(tlsrpt_json_t *json, const byte_t *p, const byte_t *end)
{
    switch (*p) {

    case 't':
        json->literal = "true";
        json->literal_event = TLSRPT_JSON_TRUE;
        break;

    case 'f':
        json->literal = "false";
        json->literal_event = TLSRPT_JSON_FALSE;
        break;

    case 'n':
        json->literal = "null";
        json->literal_event = TLSRPT_JSON_NULL;
        break;

    default:
        return fail(json, TLSRPT_ERR_JSON, p);
    }

    return resume_literal(json, p, end);
}


/*
 * Structure
 */

static const byte_t *
open_container(tlsrpt_json_t *json, const byte_t *p)
{
    frame_t  *frame;
    int       is_object = *p == '{';

    if (json->frame == &json->frames[TLSRPT_JSON_MAX_DEPTH]) {
        return fail(json, TLSRPT_ERR_TOO_DEEP, p);
    }

    frame = ++json->frame;
    frame->is_object = is_object;
    tlsrpt_json_object_begin(&frame->object, &json->names);

    json->expect = is_object ? EXPECT_FIRST_NAME : EXPECT_FIRST_VALUE;

    return emit(json, is_object ? TLSRPT_JSON_OBJECT : TLSRPT_JSON_ARRAY,
                NULL, 0, p + 1);
}


static const byte_t *
close_container(tlsrpt_json_t *json, const byte_t *p)
{
    frame_t  *frame = json->frame;

    if (*p != (frame->is_object ? '}' : ']')) {
        return fail(json, TLSRPT_ERR_JSON, p);
    }

    tlsrpt_json_names_drop(&json->names, frame->object.first);
    json->frame--;
    json->expect = json->frame > json->frames ? EXPECT_COMMA : EXPECT_NOTHING;

    return emit(json, frame->is_object ? TLSRPT_JSON_OBJECT_END
                                       : TLSRPT_JSON_ARRAY_END,
                NULL, 0, p + 1);
}


/* From here on each looks at the byte after its token: where that is the one
   that mostly follows, there is no need to come back to read_next. */

static HOT const byte_t *
read_comma(tlsrpt_json_t *json, const byte_t *p)
{
    if (*p != ',') {
        return close_container(json, p);
    }

    json->expect = json->frame->is_object ? EXPECT_NAME : EXPECT_VALUE;
    return p + 1;
}


static HOT const byte_t *
read_value(tlsrpt_json_t *json, const byte_t *p, const byte_t *end)
{
    json->expect = EXPECT_VALUE;

    switch (*p) {

    case '"':
        p = read_string(json, p + 1, end);
        break;

    case '{':
    case '[':
        return open_container(json, p);

    case '-':
    case '0': case '1': case '2': case '3': case '4':
    case '5': case '6': case '7': case '8': case '9':
        p = read_number(json, p, end);
        break;

    default:
        p = read_literal(json, p, end);
    }

    return p != NULL && p < end && *p == ',' ? read_comma(json, p) : p;
}


static HOT const byte_t *
read_colon(tlsrpt_json_t *json, const byte_t *p, const byte_t *end)
{
    if (*p != ':') {
        return fail(json, TLSRPT_ERR_JSON, p);
    }

    json->expect = EXPECT_VALUE;
    p++;

    if (p < end && *p == ' ') {
        p++;
    }

    return p < end && *p > ' ' ? read_value(json, p, end) : p;
}


/* p: where the next name is spelled, colon and all. */
static HOT const byte_t *
read_next_name(tlsrpt_json_t *json, tlsrpt_json_object_t *object,
    const byte_t *p, const byte_t *end)
{
    size_t  len = object->next_name->len;
    int     rc = tlsrpt_json_name_give(object);

    return rc == TLSRPT_OK ? read_colon(json, p + len - 1, end)
                           : fail(json, rc, p);
}


static HOT const byte_t *
read_name(tlsrpt_json_t *json, const byte_t *p, const byte_t *end)
{
    tlsrpt_json_object_t  *object = &json->frame->object;
    size_t                 len = (size_t) (end - p);

    if ((object->next < object->nexpected
         && tlsrpt_json_name_is_spelled(object->next_name, p, len))
        || tlsrpt_json_seek_spelled(object, p, len))
    {
        return read_next_name(json, object, p, end);
    }

    if (*p != '"') {
        return fail(json, TLSRPT_ERR_JSON, p);
    }

    json->expect = EXPECT_NAME;
    json->token_offset = offset_of(json, p);
    p = read_string(json, p + 1, end);

    return p != NULL && p < end && *p == ':' ? read_colon(json, p, end) : p;
}


/* A BOM is passed over (RFC 8259 8.1 lets a reader do so). */
static const byte_t *
read_start(tlsrpt_json_t *json, const byte_t *p)
{
    static const byte_t  bom[3] = { 0xef, 0xbb, 0xbf };

    if (*p != bom[json->bom]) {

        if (json->bom > 0) {
            return fail(json, TLSRPT_ERR_JSON, p);
        }

        json->expect = EXPECT_TOP;
        return p;
    }

    if (++json->bom == sizeof(bom)) {
        json->deviations |= TLSRPT_JSON_BOM;
        json->expect = EXPECT_TOP;
    }

    return p + 1;
}


static HOT const byte_t *
skip_space(tlsrpt_json_t *json, const byte_t *p, const byte_t *end)
{
    for ( ; p < end && *p <= ' '; p++) {

        if (end - p >= 8 && tlsrpt_json_load64(p) == REPEAT(' ')) {
            p += 7;

        } else if (end - p >= 8 && tlsrpt_json_load64(p) == REPEAT('\n')) {
            p += 7;
            json->line += 8;
            json->line_offset = offset_of(json, p + 1);

        } else if (*p == '\n') {
            json->line++;
            json->line_offset = offset_of(json, p + 1);

        } else if (*p != ' ' && *p != '\t' && *p != '\r') {
            break;
        }
    }

    return p;
}


/* One step of the grammar; p is at no white space. */
static HOT const byte_t *
read_next(tlsrpt_json_t *json, const byte_t *p, const byte_t *end)
{
    switch (json->expect) {

    case EXPECT_FIRST_NAME:
        if (*p == '}') {
            return close_container(json, p);
        }
        /* fall through */

    case EXPECT_NAME:
        do {
            p = read_name(json, p, end);
        } while (p != NULL && p < end && *p == '"'
                 && json->expect == EXPECT_NAME);

        return p;

    case EXPECT_COLON:
        return read_colon(json, p, end);

    case EXPECT_FIRST_VALUE:
        if (*p == ']') {
            return close_container(json, p);
        }
        /* fall through */

    case EXPECT_VALUE:
        return read_value(json, p, end);

    case EXPECT_COMMA:
        return read_comma(json, p);

    case EXPECT_TOP:
        if (*p != '{' && *p != '[') {
            return fail(json, TLSRPT_ERR_JSON, p);
        }

        return open_container(json, p);

    default: /* EXPECT_NOTHING */
        if (*p != '\0') {
            return fail(json, TLSRPT_ERR_JSON, p);
        }

        json->deviations |= TLSRPT_JSON_NULS;
        return p + 1;
    }
}


/* What a former feed left unfinished; p < end. */
static const byte_t *
resume(tlsrpt_json_t *json, const byte_t *p, const byte_t *end)
{
    switch (json->token) {

    case TOKEN_STRING:
        return resume_string(json, p, end);

    case TOKEN_NUMBER:
        return resume_number(json, p, end);

    case TOKEN_LITERAL:
        return resume_literal(json, p, end);

    default:
        while (p != NULL && p < end && json->expect == EXPECT_START) {
            p = read_start(json, p);
        }

        return p;
    }
}


/*
 * Interface
 */

tlsrpt_json_t *
tlsrpt_json_create(void)
{
    tlsrpt_json_t  *json = calloc(1, sizeof(tlsrpt_json_t));

    if (json != NULL) {
        json->names.seed = tlsrpt_hash_seed(json);
        tlsrpt_json_reset(json, NULL, NULL);
    }

    return json;
}


void
tlsrpt_json_destroy(tlsrpt_json_t *json)
{
    if (json != NULL) {
        tlsrpt_buf_free(&json->scratch);
        tlsrpt_json_names_free(&json->names);
        free(json);
    }
}


void
tlsrpt_json_reset(tlsrpt_json_t *json, tlsrpt_json_handler_pt handler,
    void *ctx)
{
    json->handler = handler;
    json->ctx = ctx;

    json->error = TLSRPT_OK;
    json->deviations = 0;

    json->offset = 0;
    json->line = 1;
    json->line_offset = 0;

    json->expect = EXPECT_START;
    json->token = TOKEN_NONE;
    json->bom = 0;
    json->escape = ESCAPE_NONE;
    json->high = 0;
    json->utf8.left = 0;
    json->frame = json->frames;

    tlsrpt_buf_reset(&json->scratch, BUFFER_KEEP);
    tlsrpt_json_names_reset(&json->names, BUFFER_KEEP);

    json->spent = 0;
    json->allowed = SIZE_MAX;
}


void
tlsrpt_json_allow(tlsrpt_json_t *json, size_t budget)
{
    json->allowed = budget;
}


int
tlsrpt_json_spend(tlsrpt_json_t *json, size_t cost)
{
    return spend(json, cost);
}


void
tlsrpt_json_expect(tlsrpt_json_t *json, const void *names, size_t n,
    size_t size, const tlsrpt_json_name_t **told)
{
    tlsrpt_json_object_t  *object = &json->frame->object;

    object->expected = names;
    object->next_name = names;
    object->nexpected = (unsigned) n;
    object->size = size;
    object->told = told;
    *told = NULL;
}


int
tlsrpt_json_feed(tlsrpt_json_t *json, const void *text, size_t len)
{
    const byte_t  *p = text;
    const byte_t  *end;
    size_t         base = json->offset;

    if (json->error != TLSRPT_OK || len == 0) {
        return json->error;
    }

    end = p + len;
    json->origin = (uintptr_t) p - base;

    if (json->token != TOKEN_NONE || json->expect == EXPECT_START) {
        p = resume(json, p, end);
    }

    while (p != NULL) {
        p = skip_space(json, p, end);

        if (p == end) {
            json->offset = base + len;
            return TLSRPT_OK;
        }

        p = read_next(json, p, end);
    }

    return json->error;
}


int
tlsrpt_json_finish(tlsrpt_json_t *json)
{
    if (json->error == TLSRPT_OK && json->expect != EXPECT_NOTHING) {
        json->error = TLSRPT_ERR_JSON_TRUNCATED;
    }

    return json->error;
}


void
tlsrpt_json_position(const tlsrpt_json_t *json, size_t *offset, size_t *line,
    size_t *column)
{
    *offset = json->offset;
    *line = json->line;
    *column = json->offset - json->line_offset + 1;
}


int
tlsrpt_json_is_within_token(const tlsrpt_json_t *json)
{
    return json->token != TOKEN_NONE;
}


unsigned
tlsrpt_json_deviations(const tlsrpt_json_t *json)
{
    return json->deviations;
}
