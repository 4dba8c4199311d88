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
#define FINE_LEVEL  9                       /* problems are written seldom */
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

/* Made once a process, at the first text of a kind, the dictionaries
   digested. */

typedef struct {
    ZSTD_CCtx   *ctx;
    ZSTD_CDict  *dictionary;
} packer_t;

static packer_t     pack_reports, pack_problems;
static ZSTD_DCtx   *unpack_ctx;
static ZSTD_DDict  *unpack_reports[TLSRPT_ZSTD_DICTIONARY + 1];
static ZSTD_DDict  *unpack_problems[TLSRPT_ZSTD_PROBLEMS + 1];


/* The host may unload us before it ends. */

static void
forget_packer(packer_t *p)
{
    ZSTD_freeCCtx(p->ctx);
    ZSTD_freeCDict(p->dictionary);
    memset(p, 0, sizeof(*p));
}


__attribute__((destructor))
static void
forget(void)
{
    forget_packer(&pack_reports);
    forget_packer(&pack_problems);
    ZSTD_freeDCtx(unpack_ctx);

    for (unsigned i = 0; i <= TLSRPT_ZSTD_DICTIONARY; i++) {
        ZSTD_freeDDict(unpack_reports[i]);
    }

    for (unsigned i = 0; i <= TLSRPT_ZSTD_PROBLEMS; i++) {
        ZSTD_freeDDict(unpack_problems[i]);
    }
}


/*
 * Short ones, and problems
 */

/* NULL: no memory. */

static ZSTD_CCtx *
packer(packer_t *p, tlsrpt_str_t dictionary, int level)
{
    if (p->dictionary != NULL) {
        return p->ctx;
    }

    p->ctx = ZSTD_createCCtx();
    p->dictionary = ZSTD_createCDict(dictionary.data, dictionary.len, level);

    if (p->ctx == NULL || p->dictionary == NULL
        || ZSTD_isError(ZSTD_CCtx_refCDict(p->ctx, p->dictionary))
        || ZSTD_isError(ZSTD_CCtx_setParameter(p->ctx, ZSTD_c_dictIDFlag, 0)))
    {
        forget_packer(p);
    }

    return p->ctx;
}


int
tlsrpt_zstd_pack(tlsrpt_buf_t *out, const void *text, size_t len)
{
    size_t      n;
    char        frame[BOUND];
    ZSTD_CCtx  *ctx = packer(&pack_reports,
                             tlsrpt_zstd_reports[TLSRPT_ZSTD_DICTIONARY],
                             LEVEL);

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


int
tlsrpt_zstd_pack_problems(tlsrpt_buf_t *out, const void *text, size_t len)
{
    size_t      n, bound = ZSTD_compressBound(len);
    char       *frame = malloc(bound);
    ZSTD_CCtx  *ctx = packer(&pack_problems,
                             tlsrpt_zstd_problems[TLSRPT_ZSTD_PROBLEMS],
                             FINE_LEVEL);

    if (frame == NULL || ctx == NULL) {
        free(frame);
        return -1;
    }

    n = ZSTD_compress2(ctx, frame, bound, text, len);

    if (!ZSTD_isError(n)) {
        tlsrpt_buf_add(out, frame, n);
    }

    free(frame);

    return ZSTD_isError(n) || out->failed ? -1 : 0;
}


/* number: from 1 on, as in list.  NULL: no memory. */

static const ZSTD_DDict *
unpacker(ZSTD_DDict **made, const tlsrpt_str_t *list, unsigned number)
{
    if (unpack_ctx == NULL) {
        unpack_ctx = ZSTD_createDCtx();
    }

    if (made[number] == NULL) {
        made[number] = ZSTD_createDDict(list[number].data, list[number].len);
    }

    return unpack_ctx != NULL ? made[number] : NULL;
}


size_t
tlsrpt_zstd_unpack(unsigned dictionary, const void *bytes, size_t len,
    char *text)
{
    size_t             n;
    char               frame[BOUND];
    const ZSTD_DDict  *d;

    if (dictionary == 0 || dictionary > TLSRPT_ZSTD_DICTIONARY
        || len > sizeof(frame) - MAGIC_LEN)
    {
        return 0;
    }

    d = unpacker(unpack_reports, tlsrpt_zstd_reports, dictionary);

    if (d == NULL) {
        return 0;
    }

    memcpy(frame, magic, MAGIC_LEN);
    memcpy(frame + MAGIC_LEN, bytes, len);

    n = ZSTD_decompress_usingDDict(unpack_ctx, text, TLSRPT_ZSTD_SHORT,
                                   frame, len + MAGIC_LEN, d);

    return ZSTD_isError(n) ? 0 : n;
}


int
tlsrpt_zstd_unpack_problems(unsigned dictionary, const void *bytes, size_t len,
    size_t max, tlsrpt_buf_t *text)
{
    size_t               n;
    char                *room;
    const ZSTD_DDict    *d;
    unsigned long long   size = ZSTD_getFrameContentSize(bytes, len);

    if (dictionary == 0 || dictionary > TLSRPT_ZSTD_PROBLEMS
        || size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR
        || size == 0 || size > max)
    {
        return 1;
    }

    d = unpacker(unpack_problems, tlsrpt_zstd_problems, dictionary);
    room = malloc((size_t) size);

    if (d == NULL || room == NULL) {
        free(room);
        return -1;
    }

    n = ZSTD_decompress_usingDDict(unpack_ctx, room, (size_t) size, bytes, len,
                                   d);

    if (!ZSTD_isError(n)) {
        tlsrpt_buf_add(text, room, n);
    }

    free(room);

    return ZSTD_isError(n) ? 1 : text->failed ? -1 : 0;
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
