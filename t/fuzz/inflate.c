/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * bytes -> text: the same in any split, within the bound, and what plain zlib
 * makes of a body that is one whole member.  Only where exactly a body is too
 * much for its ratio may depend on the split.
 */

#include "fuzz.h"

#include <zlib.h>

#include "tlsrpt_inflate.h"

#define MAX_SIZE  50000

typedef struct {
    int       rc;
    unsigned  deviations;
    size_t    len;
    uint8_t   text[MAX_SIZE];
} result_t;


static int
sink(void *ctx, const unsigned char *text, size_t len)
{
    result_t  *result = ctx;

    CHECK(len > 0 && len <= MAX_SIZE - result->len);
    memcpy(result->text + result->len, text, len);
    result->len += len;
    return TLSRPT_OK;
}


static int
feed(void *object, const void *bytes, size_t len)
{
    return tlsrpt_inflate_feed(object, bytes, len);
}


static void
run(tlsrpt_inflate_t *inf, const uint8_t *data, size_t size, size_t limit,
    result_t *result)
{
    int  rc;

    result->len = 0;
    tlsrpt_inflate_reset(inf, MAX_SIZE, sink, result);

    rc = limit != 0 ? fuzz_feed(inf, feed, data, size, limit)
                    : tlsrpt_inflate_feed(inf, data, size);

    result->rc = tlsrpt_inflate_finish(inf);
    result->deviations = tlsrpt_inflate_deviations(inf);

    CHECK(rc == TLSRPT_OK || rc == result->rc);
    CHECK(tlsrpt_inflate_offset(inf) <= size);
    CHECK(result->rc != TLSRPT_OK || tlsrpt_inflate_offset(inf) == size);
}


static size_t
smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}


/* What is too much for its ratio is found sooner or later, as it came. */
static void
check_same(const result_t *a, const result_t *b)
{
    if (a->rc == TLSRPT_ERR_RATIO || b->rc == TLSRPT_ERR_RATIO) {
        CHECK(memcmp(a->text, b->text, smaller(a->len, b->len)) == 0);
        return;
    }

    CHECK(a->rc == b->rc);
    CHECK(a->deviations == b->deviations);
    CHECK(a->len == b->len);
    CHECK(memcmp(a->text, b->text, a->len) == 0);
}


/* A body taken without a deviation is one member, and so says zlib. */
static void
check_zlib(const uint8_t *data, size_t size, const result_t *result)
{
    static uint8_t  text[MAX_SIZE + 1];
    z_stream        z;

    memset(&z, 0, sizeof(z));
    CHECK(inflateInit2(&z, 15 + 16) == Z_OK);

    z.next_in = (Bytef *) data;
    z.avail_in = (uInt) size;
    z.next_out = text;
    z.avail_out = sizeof(text);

    CHECK(inflate(&z, Z_FINISH) == Z_STREAM_END);
    CHECK(z.avail_in == 0);
    CHECK(z.total_out == result->len);
    CHECK(memcmp(text, result->text, result->len) == 0);

    (void) inflateEnd(&z);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static tlsrpt_inflate_t  *inf;
    static result_t           whole, split;

    if (inf == NULL) {
        inf = tlsrpt_inflate_create();
        CHECK(inf != NULL);
    }

    run(inf, data, size, 0, &whole);

    run(inf, data, size, 31, &split);
    check_same(&whole, &split);

    run(inf, data, size, 1, &split);
    check_same(&whole, &split);

    if (whole.rc == TLSRPT_OK && whole.deviations == 0) {
        check_zlib(data, size, &whole);
    }

    return 0;
}
