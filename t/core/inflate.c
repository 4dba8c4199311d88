/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * bytes -> text: what a body may be, bounds, and each body whole, cut in two
 * at every place, and byte by byte.
 */

#include "tap.h"

#include <stdlib.h>
#include <zlib.h>

#include "tlsrpt_inflate.h"

#define DOC      "{\"a\":\"gr\xc3\xbc\xc3\x9f\"}\n"
#define DOC_LEN  (sizeof(DOC) - 1)
#define BOM      "\xef\xbb\xbf"

#define MAX_SIZE  50000
#define BIG       (512 * 1024)

typedef struct {
    size_t         len;
    unsigned char  data[BIG];
} bytes_t;

typedef struct {
    int       code;
    size_t    offset;
    unsigned  deviations;
    int       message;
} verdict_t;

static tlsrpt_inflate_t  *inf;
static bytes_t            body, text, whole_text;
static size_t             max_size = MAX_SIZE;
static size_t             refuse_after = BIG;

/* Where text from gzip is refused, the place in the body is as far as zlib had
   read, which depends on the split. */
static int                compare_offsets = 1;


static void
add(bytes_t *bytes, const void *data, size_t len)
{
    if (len > sizeof(bytes->data) - bytes->len) {
        abort();
    }

    memcpy(bytes->data + bytes->len, data, len);
    bytes->len += len;
}


static int
sink(void *ctx, const unsigned char *data, size_t len)
{
    bytes_t  *bytes = ctx;

    add(bytes, data, len);
    return bytes->len > refuse_after ? TLSRPT_ERR_JSON : TLSRPT_OK;
}


/* In a block of its own, so that the sanitizer sees a read beyond it. */
static int
feed(const unsigned char *data, size_t len)
{
    unsigned char  *copy = malloc(len > 0 ? len : 1);
    int             rc;

    if (copy == NULL) {
        abort();
    }

    memcpy(copy, data, len);
    rc = tlsrpt_inflate_feed(inf, copy, len);
    free(copy);
    return rc;
}


static verdict_t
read_in(size_t first, size_t step)
{
    size_t     at = 0, n = first;
    int        rc = TLSRPT_OK, finished;
    verdict_t  v;

    text.len = 0;
    tlsrpt_inflate_reset(inf, max_size, sink, &text);

    while (at < body.len && rc == TLSRPT_OK) {
        n = n < body.len - at ? n : body.len - at;
        rc = feed(body.data + at, n);
        at += n;
        n = step;
    }

    finished = tlsrpt_inflate_finish(inf);

    v.code = rc != TLSRPT_OK && rc != finished ? -1 : finished;
    v.offset = tlsrpt_inflate_offset(inf);
    v.deviations = tlsrpt_inflate_deviations(inf);
    v.message = tlsrpt_inflate_message(inf) != NULL;
    return v;
}


static int
same(const verdict_t *a, const verdict_t *b)
{
    return a->code == b->code
           && (a->offset == b->offset || !compare_offsets)
           && a->deviations == b->deviations && a->message == b->message
           && whole_text.len == text.len
           && memcmp(whole_text.data, text.data, text.len) == 0;
}


/* The first split that differs from the whole, or -1; the first text is left
   in whole_text.  Of a big body the cuts are few. */
static long
differing_split(verdict_t *want)
{
    verdict_t  v;
    size_t     i, step = body.len / 500 + 1;

    *want = read_in(body.len, body.len);
    whole_text.len = 0;
    add(&whole_text, text.data, text.len);

    v = read_in(1, 1);
    if (!same(want, &v)) {
        return 0;
    }

    for (i = 1; i < body.len; i += step) {
        v = read_in(i, step == 1 ? body.len : i);

        if (!same(want, &v)) {
            return (long) i;
        }
    }

    return -1;
}


/* Appends data to the body, gzipped the given number of times. */
static void
add_gzip(const void *data, size_t len, unsigned times)
{
    static unsigned char  in[BIG], out[BIG];
    z_stream              z;

    memcpy(in, data, len);

    while (times-- > 0) {
        memset(&z, 0, sizeof(z));

        if (deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY)
            != Z_OK)
        {
            abort();
        }

        z.next_in = in;
        z.avail_in = (uInt) len;
        z.next_out = out;
        z.avail_out = sizeof(out);

        if (deflate(&z, Z_FINISH) != Z_STREAM_END) {
            abort();
        }

        len = z.total_out;
        memcpy(in, out, len);
        deflateEnd(&z);
    }

    add(&body, in, len);
}


static void
check(const char *what, int code, const void *want, size_t len,
    unsigned deviations)
{
    verdict_t  v;

    compare_offsets = code == TLSRPT_OK;
    is_int(differing_split(&v), -1, "%s: the same in any split", what);
    compare_offsets = 1;

    is_int(v.code, code, "%s: %s", what,
           code ? tlsrpt_error_text(code) : "taken");
    is_int(v.deviations, deviations, "%s: its deviations", what);

    if (want != NULL) {
        ok(whole_text.len == len && memcmp(whole_text.data, want, len) == 0,
           "%s: its text", what);
    }

    if (code == TLSRPT_OK) {
        is_int((long long) v.offset, (long long) body.len, "%s: to the end",
               what);
    }

    body.len = 0;
}


static void
check_refused(const char *what, int code, size_t offset)
{
    verdict_t  v;

    is_int(differing_split(&v), -1, "%s: the same in any split", what);
    is_int(v.code, code, "%s: %s", what, tlsrpt_error_text(code));
    is_int((long long) v.offset, (long long) offset, "%s: its offset", what);
    is_int(v.message, code == TLSRPT_ERR_GZIP, "%s: zlib's words", what);
    body.len = 0;
}


static void
test_plain(void)
{
    add(&body, DOC, DOC_LEN);
    check("plain", TLSRPT_OK, DOC, DOC_LEN, TLSRPT_INFLATE_PLAIN);

    add(&body, BOM " \r\n\t" DOC, DOC_LEN + 7);
    check("plain after a BOM and white space", TLSRPT_OK, BOM " \r\n\t" DOC,
          DOC_LEN + 7, TLSRPT_INFLATE_PLAIN);

    add(&body, "\n{", 2);
    check("plain after white space", TLSRPT_OK, "\n{", 2,
          TLSRPT_INFLATE_PLAIN);
}


static void
test_gzip(void)
{
    add_gzip(DOC, DOC_LEN, 1);
    check("gzip", TLSRPT_OK, DOC, DOC_LEN, 0);

    add_gzip(BOM DOC, DOC_LEN + 3, 1);
    check("gzip of a BOM", TLSRPT_OK, BOM DOC, DOC_LEN + 3, 0);

    add_gzip(DOC, DOC_LEN, 2);
    check("gzip twice", TLSRPT_OK, DOC, DOC_LEN, TLSRPT_INFLATE_TWICE);

    add_gzip(DOC, DOC_LEN, 1);
    check("gzip once more", TLSRPT_OK, DOC, DOC_LEN, 0);
}


static void
test_members(void)
{
    static bytes_t  inner;

    add_gzip(DOC, 5, 1);
    add_gzip("", 0, 1);
    add_gzip(&DOC[5], DOC_LEN - 5, 1);
    check("members", TLSRPT_OK, DOC, DOC_LEN, TLSRPT_INFLATE_MEMBERS);

    add_gzip("", 0, 1);
    add_gzip(DOC, DOC_LEN, 1);
    check("an empty member first", TLSRPT_OK, DOC, DOC_LEN,
          TLSRPT_INFLATE_MEMBERS);

    add_gzip(DOC, 5, 1);
    add_gzip(&DOC[5], DOC_LEN - 5, 1);
    inner.len = 0;
    add(&inner, body.data, body.len);
    body.len = 0;
    add_gzip(inner.data, 15, 1);
    add_gzip(inner.data + 15, inner.len - 15, 1);
    add(&body, "\n", 1);
    check("members within members", TLSRPT_OK, DOC, DOC_LEN,
          TLSRPT_INFLATE_TWICE | TLSRPT_INFLATE_MEMBERS
          | TLSRPT_INFLATE_TRAILING);
}


static void
test_trailing(void)
{
    static const struct {
        const char  *bytes;
        size_t       len;
    } cases[] = {
        { "\r\n", 2 }, { "\0\0\0", 3 }, { "\x1f", 1 }, { "\x1fx", 2 },
        { "\x8b\x1f\x8b", 3 }, { "any text", 8 }
    };
    size_t  i;
    char    what[32];

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(what, sizeof(what), "trailing %zu", i);
        add_gzip(DOC, DOC_LEN, 1);
        add(&body, cases[i].bytes, cases[i].len);
        check(what, TLSRPT_OK, DOC, DOC_LEN, TLSRPT_INFLATE_TRAILING);
    }
}


static void
test_not_report(void)
{
    static const struct {
        const char  *bytes;
        size_t       len;
        int          code;
        size_t       offset;
    } cases[] = {
        { "", 0, TLSRPT_ERR_EMPTY, 0 },
        { " \r\n\t ", 5, TLSRPT_ERR_EMPTY, 5 },
        { BOM "\n", 4, TLSRPT_ERR_EMPTY, 4 },
        { "\x1f", 1, TLSRPT_ERR_GZIP_TRUNCATED, 1 },
        { "\x1f\x8b", 2, TLSRPT_ERR_GZIP_TRUNCATED, 2 },
        { "\x1f\x8b\x08", 3, TLSRPT_ERR_GZIP_TRUNCATED, 3 },
        { "\x1f\x9d\x90", 3, TLSRPT_ERR_NOT_REPORT, 1 },
        { "\x1f{}", 3, TLSRPT_ERR_NOT_REPORT, 1 },
        { "PK\3\4\24\0", 6, TLSRPT_ERR_ZIP, 4 },
        { "PK\3{}", 5, TLSRPT_ERR_NOT_REPORT, 3 },
        { "P", 1, TLSRPT_ERR_NOT_REPORT, 1 },
        { "\xef\xbb{}", 4, TLSRPT_ERR_NOT_REPORT, 2 },
        { "\xef", 1, TLSRPT_ERR_NOT_REPORT, 1 },
        { BOM BOM "{}", 8, TLSRPT_ERR_NOT_REPORT, 3 },
        { " " BOM "{}", 6, TLSRPT_ERR_NOT_REPORT, 1 },
        { " \x1f\x8b", 3, TLSRPT_ERR_NOT_REPORT, 1 },
        { "[]", 2, TLSRPT_ERR_NOT_REPORT, 0 },
        { " <xml/>", 7, TLSRPT_ERR_NOT_REPORT, 1 },
        { "\0{}", 3, TLSRPT_ERR_NOT_REPORT, 0 },
        { "BZh9", 4, TLSRPT_ERR_NOT_REPORT, 0 },
    };
    size_t  i;
    char    what[32];

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(what, sizeof(what), "no report %zu", i);
        add(&body, cases[i].bytes, cases[i].len);
        check_refused(what, cases[i].code, cases[i].offset);
    }
}


static void
test_within_gzip(void)
{
    add_gzip("", 0, 1);
    check("gzip of nothing", TLSRPT_ERR_EMPTY, "", 0, 0);

    add_gzip(" \n", 2, 2);
    check("gzip of gzip of white space", TLSRPT_ERR_EMPTY, " \n", 2,
          TLSRPT_INFLATE_TWICE);

    add_gzip("<xml/>", 6, 1);
    check("gzip of XML", TLSRPT_ERR_NOT_REPORT, "", 0, 0);

    add_gzip("PK\3\4....", 8, 1);
    check("gzip of zip", TLSRPT_ERR_ZIP, "", 0, 0);

    add_gzip(DOC, DOC_LEN, 3);
    check("gzip three times", TLSRPT_ERR_GZIP_NESTED, "", 0,
          TLSRPT_INFLATE_TWICE);
}


/* Cut anywhere, or any byte of its trailer wrong: refused. */
static void
test_broken(void)
{
    static bytes_t  whole;
    char            what[48];
    size_t          i;

    add_gzip(DOC, DOC_LEN, 1);
    whole = body;

    for (i = 1; i < whole.len; i++) {
        snprintf(what, sizeof(what), "cut at %zu", i);
        body.len = 0;
        add(&body, whole.data, i);
        check_refused(what, TLSRPT_ERR_GZIP_TRUNCATED, i);
    }

    for (i = whole.len - 8; i < whole.len; i++) {
        snprintf(what, sizeof(what), "wrong in byte %zu", i);
        body.len = 0;
        add(&body, whole.data, whole.len);
        body.data[i] ^= 1;
        check_refused(what, TLSRPT_ERR_GZIP,
                      i < whole.len - 4 ? whole.len - 4 : whole.len);
    }

    for (i = 3; i < whole.len; i++) {
        snprintf(what, sizeof(what), "a second member cut at %zu", i);
        add(&body, whole.data, whole.len);
        add(&body, whole.data, i);
        check(what, TLSRPT_ERR_GZIP_TRUNCATED, NULL, 0, TLSRPT_INFLATE_MEMBERS);
    }

    add(&body, "\x1f\x8b\x07\0", 4);
    check_refused("an unknown method", TLSRPT_ERR_GZIP, 4);

    add_gzip(whole.data, whole.len - 1, 1);
    check("cut within gzip", TLSRPT_ERR_GZIP_TRUNCATED, DOC, DOC_LEN,
          TLSRPT_INFLATE_TWICE);
}


/* What is longer than any honest gzip makes of so few bytes. */

static void
test_ratio(void)
{
    static unsigned char  doc[BIG / 2];
    static const char     empty[] = "\x1f\x8b\x08\0\0\0\0\0\0\3\3\0"
                                    "\0\0\0\0\0\0\0\0";
    bytes_t              *members;

    max_size = BIG;
    memset(doc, ' ', sizeof(doc));
    doc[0] = '{';

    add_gzip(doc, 65536, 1);
    check("64 KiB, whatever they come of", TLSRPT_OK, doc, 65536, 0);

    add_gzip(doc, 65537, 1);
    check("a byte more", TLSRPT_ERR_RATIO, doc, 65536, 0);

    add_gzip(doc, sizeof(doc), 1);
    check("a bomb below the bound", TLSRPT_ERR_RATIO, doc, 65536, 0);

    add_gzip(doc, 16384, 2);
    check("16 KiB zipped twice", TLSRPT_OK, doc, 16384, TLSRPT_INFLATE_TWICE);

    add_gzip(doc, 16385, 2);
    check("a byte more of it", TLSRPT_ERR_RATIO, doc, 16384,
          TLSRPT_INFLATE_TWICE);

    /* blocks and members cost more than they are long */
    members = calloc(1, sizeof(bytes_t));

    add_gzip(DOC, DOC_LEN, 1);
    add(members, body.data, body.len);

    for (int i = 0; i < 15; i++) {
        add(members, empty, sizeof(empty) - 1);
    }

    body.len = 0;
    add_gzip(members->data, members->len, 1);
    is_int(read_in(body.len, body.len).code, TLSRPT_ERR_RATIO,
           "gzip that gets shorter when it is zipped again");

    body.len = 0;
    free(members);

    is_int((long long) tlsrpt_inflate_allowed(1024, 0), 65536, "of 1 KiB");
    is_int((long long) tlsrpt_inflate_allowed(2048, 0), 3 * 65536, "of 2 KiB");
    is_int((long long) tlsrpt_inflate_allowed(100000, 1), 16384 + 64
           * (100000 - 512), "of 100 kB, zipped twice");
    ok(tlsrpt_inflate_allowed(SIZE_MAX, 0) == SIZE_MAX, "of all there is");
    max_size = MAX_SIZE;
}


static void
test_bound(void)
{
    static unsigned char  doc[MAX_SIZE * 3];

    memset(doc, ' ', sizeof(doc));
    doc[0] = '{';

    add(&body, doc, MAX_SIZE);
    check("plain up to the bound", TLSRPT_OK, doc, MAX_SIZE,
          TLSRPT_INFLATE_PLAIN);

    add(&body, doc, MAX_SIZE + 1);
    check_refused("plain one over the bound", TLSRPT_ERR_TOO_LARGE, MAX_SIZE);

    add(&body, doc + 1, MAX_SIZE + 1);
    check_refused("white space over the bound", TLSRPT_ERR_TOO_LARGE, MAX_SIZE);

    add_gzip(doc, MAX_SIZE, 1);
    check("gzip up to the bound", TLSRPT_OK, doc, MAX_SIZE, 0);

    add_gzip(doc, MAX_SIZE + 1, 1);
    check("gzip one over the bound", TLSRPT_ERR_TOO_LARGE, doc, MAX_SIZE, 0);

    add_gzip(doc, sizeof(doc), 1);
    check("a bomb", TLSRPT_ERR_TOO_LARGE, doc, MAX_SIZE, 0);

    max_size = 16000;
    add_gzip(doc, sizeof(doc), 2);
    check("a bomb within gzip", TLSRPT_ERR_TOO_LARGE, doc, max_size,
          TLSRPT_INFLATE_TWICE);
    max_size = MAX_SIZE;

    add_gzip(doc, MAX_SIZE / 2, 1);
    add_gzip(doc + 1, MAX_SIZE / 2, 1);
    check("members up to the bound", TLSRPT_OK, doc, MAX_SIZE,
          TLSRPT_INFLATE_MEMBERS);

    add_gzip(doc, MAX_SIZE / 2, 1);
    add_gzip(doc + 1, MAX_SIZE / 2 + 1, 1);
    check("members over the bound", TLSRPT_ERR_TOO_LARGE, doc, MAX_SIZE,
          TLSRPT_INFLATE_MEMBERS);

    max_size = 20;
    add_gzip(DOC, 2, 2);
    check("between two layers, over the bound", TLSRPT_ERR_TOO_LARGE, NULL, 0,
          TLSRPT_INFLATE_TWICE);
    max_size = MAX_SIZE;
}


/* A member whose header has a CRC of its own (RFC 1952 2.3.1), off by the
   error. */
static void
add_header_crc(unsigned error)
{
    static unsigned char  header[12];
    uint32_t              crc;
    size_t                start = body.len;

    add_gzip(DOC, DOC_LEN, 1);
    memcpy(header, body.data + start, 10);
    header[3] = 2;
    crc = (uint32_t) crc32(0, header, 10) ^ error;
    header[10] = (unsigned char) crc;
    header[11] = (unsigned char) (crc >> 8);

    add(&body, "xx", 2);
    memmove(body.data + start + 12, body.data + start + 10,
            body.len - start - 12);
    memcpy(body.data + start, header, 12);
}


static void
test_header_crc(void)
{
    add_header_crc(0);
    check("a CRC of the header", TLSRPT_OK, DOC, DOC_LEN, 0);

    add_header_crc(1);
    check_refused("a wrong CRC of the header", TLSRPT_ERR_GZIP, 12);
}


/* What fits into a buffer of 32 KiB, and what just does not. */
static void
test_small(void)
{
    static unsigned char  doc[32769];
    char                  what[32];
    size_t                len;

    memset(doc, ' ', sizeof(doc));
    doc[0] = '{';

    for (len = sizeof(doc) - 3; len <= sizeof(doc); len++) {
        snprintf(what, sizeof(what), "%zu bytes", len);
        add_gzip(doc, len, 1);
        check(what, TLSRPT_OK, doc, len, 0);
    }

    add_gzip(doc, 100, 1);
    body.data[body.len - 4]++;
    check("a wrong length", TLSRPT_ERR_GZIP, doc, 100, 0);

    add_gzip(doc, 100, 1);
    body.data[body.len - 8]++;
    check("a wrong CRC", TLSRPT_ERR_GZIP, doc, 100, 0);

    add_gzip(doc, sizeof(doc), 1);
    memset(body.data + body.len - 4, 0, 4);
    check("a large one that says it is small", TLSRPT_ERR_GZIP, doc,
          sizeof(doc), 0);
}


static void
test_sink_stops(void)
{
    verdict_t  v;

    refuse_after = 10;
    add_gzip(DOC, DOC_LEN, 1);
    v = read_in(body.len, body.len);
    is_int(v.code, TLSRPT_ERR_JSON, "what the sink says stops it");
    is_int(tlsrpt_inflate_feed(inf, "x", 1), TLSRPT_ERR_JSON, "and stays");
    is_int(tlsrpt_inflate_finish(inf), TLSRPT_ERR_JSON, "to the end");

    body.len = 0;
    add(&body, DOC, DOC_LEN);
    v = read_in(body.len, body.len);
    is_int(v.code, TLSRPT_ERR_JSON, "of plain text too");

    refuse_after = BIG;
    check("the next body", TLSRPT_OK, DOC, DOC_LEN, TLSRPT_INFLATE_PLAIN);
}


int
main(void)
{
    inf = tlsrpt_inflate_create();

    if (!ok(inf != NULL, "created")) {
        return done();
    }

    test_plain();
    test_gzip();
    test_members();
    test_trailing();
    test_not_report();
    test_within_gzip();
    test_broken();
    test_ratio();
    test_bound();
    test_header_crc();
    test_small();
    test_sink_stops();

    tlsrpt_inflate_destroy(inf);
    tlsrpt_inflate_destroy(NULL);

    return done();
}
