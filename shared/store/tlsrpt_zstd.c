/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include <zstd.h>

#include "tlsrpt_zstd.h"


#define LEVEL       3                       /* 2 us a report; 5 takes 7 us for
                                               7 bytes less of a hundred */
#define MAGIC_LEN   4
#define BOUND       (TLSRPT_ZSTD_SHORT + (TLSRPT_ZSTD_SHORT >> 7) + 512)
#define PIECE       16384
#define WINDOW_LOG  18                      /* 256 KiB of text in memory */

static const unsigned char  magic[MAGIC_LEN] = { 0x28, 0xb5, 0x2f, 0xfd };

struct tlsrpt_zstd {
    ZSTD_CCtx  *ctx;
};

struct tlsrpt_unzstd {
    ZSTD_DCtx  *ctx;
};

/* Made once a process, at the first report, the dictionaries digested. */
static ZSTD_CCtx   *pack_ctx;
static ZSTD_CDict  *pack_dictionary;
static ZSTD_DCtx   *unpack_ctx;
static ZSTD_DDict  *unpack_dictionaries[TLSRPT_ZSTD_DICTIONARY + 1];


/* The host may unload us before it ends. */

__attribute__((destructor))
static void
forget(void)
{
    ZSTD_freeCCtx(pack_ctx);
    ZSTD_freeCDict(pack_dictionary);
    ZSTD_freeDCtx(unpack_ctx);

    for (unsigned i = 0; i <= TLSRPT_ZSTD_DICTIONARY; i++) {
        ZSTD_freeDDict(unpack_dictionaries[i]);
    }
}


/*
 * Short ones
 */

static ZSTD_CCtx *
packer(void)
{
    ZSTD_CCtx     *ctx;
    ZSTD_CDict    *dictionary;
    tlsrpt_str_t   d = tlsrpt_zstd_dictionaries[TLSRPT_ZSTD_DICTIONARY];

    if (pack_ctx != NULL) {
        return pack_ctx;
    }

    ctx = ZSTD_createCCtx();
    dictionary = ZSTD_createCDict(d.data, d.len, LEVEL);

    if (ctx == NULL || dictionary == NULL
        || ZSTD_isError(ZSTD_CCtx_refCDict(ctx, dictionary))
        || ZSTD_isError(ZSTD_CCtx_setParameter(ctx, ZSTD_c_dictIDFlag, 0)))
    {
        ZSTD_freeCCtx(ctx);
        ZSTD_freeCDict(dictionary);
        return NULL;
    }

    pack_ctx = ctx;
    pack_dictionary = dictionary;

    return pack_ctx;
}


int
tlsrpt_zstd_pack(tlsrpt_buf_t *out, const void *text, size_t len)
{
    size_t      n;
    char        frame[BOUND];
    ZSTD_CCtx  *ctx = packer();

    if (ctx == NULL) {
        return -1;
    }

    n = ZSTD_compress2(ctx, frame, sizeof(frame), text, len);

    if (ZSTD_isError(n) || n < MAGIC_LEN) {
        return -1;
    }

    tlsrpt_buf_add(out, frame + MAGIC_LEN, n - MAGIC_LEN);

    return out->failed ? -1 : 0;
}


static const ZSTD_DDict *
unpacking_dictionary(unsigned number)
{
    tlsrpt_str_t  d;

    if (number == 0 || number > TLSRPT_ZSTD_DICTIONARY) {
        return NULL;
    }

    if (unpack_dictionaries[number] == NULL) {
        d = tlsrpt_zstd_dictionaries[number];
        unpack_dictionaries[number] = ZSTD_createDDict(d.data, d.len);
    }

    return unpack_dictionaries[number];
}


size_t
tlsrpt_zstd_unpack(unsigned dictionary, const void *bytes, size_t len,
    char *text)
{
    size_t             n;
    char               frame[BOUND];
    const ZSTD_DDict  *d = unpacking_dictionary(dictionary);

    if (unpack_ctx == NULL) {
        unpack_ctx = ZSTD_createDCtx();
    }

    if (unpack_ctx == NULL || d == NULL || len > sizeof(frame) - MAGIC_LEN) {
        return 0;
    }

    memcpy(frame, magic, MAGIC_LEN);
    memcpy(frame + MAGIC_LEN, bytes, len);

    n = ZSTD_decompress_usingDDict(unpack_ctx, text, TLSRPT_ZSTD_SHORT,
                                   frame, len + MAGIC_LEN, d);

    return ZSTD_isError(n) ? 0 : n;
}


/*
 * Long ones
 */

tlsrpt_zstd_t *
tlsrpt_zstd_create(void)
{
    tlsrpt_zstd_t  *zstd = calloc(1, sizeof(*zstd));

    if (zstd == NULL) {
        return NULL;
    }

    zstd->ctx = ZSTD_createCCtx();

    if (zstd->ctx == NULL
        || ZSTD_isError(ZSTD_CCtx_setParameter(zstd->ctx,
                            ZSTD_c_compressionLevel, LEVEL))
        || ZSTD_isError(ZSTD_CCtx_setParameter(zstd->ctx, ZSTD_c_windowLog,
                                               WINDOW_LOG)))
    {
        tlsrpt_zstd_destroy(zstd);
        return NULL;
    }

    return zstd;
}


void
tlsrpt_zstd_destroy(tlsrpt_zstd_t *zstd)
{
    if (zstd != NULL) {
        ZSTD_freeCCtx(zstd->ctx);
        free(zstd);
    }
}


int
tlsrpt_zstd_add(tlsrpt_zstd_t *zstd, const void *text, size_t len,
    int at_end, tlsrpt_buf_t *out)
{
    char            piece[PIECE];
    size_t          left;
    ZSTD_inBuffer   in = { text, len, 0 };
    ZSTD_outBuffer  o = { piece, sizeof(piece), 0 };

    do {
        o.pos = 0;
        left = ZSTD_compressStream2(zstd->ctx, &o, &in,
                                    at_end ? ZSTD_e_end : ZSTD_e_continue);

        if (ZSTD_isError(left)) {
            return -1;
        }

        tlsrpt_buf_add(out, piece, o.pos);

    } while (in.pos < in.size || (at_end && left));

    return out->failed ? -1 : 0;
}


tlsrpt_unzstd_t *
tlsrpt_unzstd_create(void)
{
    tlsrpt_unzstd_t  *unzstd = calloc(1, sizeof(*unzstd));

    if (unzstd == NULL) {
        return NULL;
    }

    unzstd->ctx = ZSTD_createDCtx();

    if (unzstd->ctx == NULL
        || ZSTD_isError(ZSTD_DCtx_setParameter(unzstd->ctx,
                            ZSTD_d_windowLogMax, WINDOW_LOG)))
    {
        tlsrpt_unzstd_destroy(unzstd);
        return NULL;
    }

    return unzstd;
}


void
tlsrpt_unzstd_destroy(tlsrpt_unzstd_t *unzstd)
{
    if (unzstd != NULL) {
        ZSTD_freeDCtx(unzstd->ctx);
        free(unzstd);
    }
}


int
tlsrpt_unzstd_next(tlsrpt_unzstd_t *unzstd, tlsrpt_str_t *bytes, char *text,
    size_t *len)
{
    size_t          left;
    ZSTD_inBuffer   in = { bytes->data, bytes->len, 0 };
    ZSTD_outBuffer  o = { text, *len, 0 };

    left = ZSTD_decompressStream(unzstd->ctx, &o, &in);

    bytes->data += in.pos;
    bytes->len -= in.pos;
    *len = o.pos;

    return ZSTD_isError(left) ? -1 : left == 0;
}
