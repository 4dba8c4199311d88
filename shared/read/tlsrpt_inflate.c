/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Layers: the body is layer 0; what its gzip yields is layer 1; what gzip
 * within that yields is layer 2, which must be plain.  Each layer decides by
 * its own first bytes what it is.
 */

#include "tlsrpt_inflate.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <libdeflate.h>

#define ZLIB_CONST
#include <zlib.h>

#define BUFFER_SIZE  32768
#define FIRST_SIZE   4096                   /* enough to see what it is */
#define NGZIP        2                      /* layers that may be gzip */
#define NLAYERS      (NGZIP + 1)

#define WINDOW_BITS  (15 + 16)              /* gzip only */

#define FREE_TEXT    65536                  /* whatever the ratio is */
#define MAX_RATIO    128
#define MAX_MEMBERS  16                     /* of gzip within gzip */

typedef unsigned char  byte_t;

enum {
    LAYER_START = 0,                        /* nothing but held bytes yet */
    LAYER_SPACE,                            /* a BOM, white space */
    LAYER_PLAIN,
    LAYER_GZIP,                             /* within a member */
    LAYER_BETWEEN,                          /* members, or at the end */
    LAYER_TRAILING
};

typedef struct {
    int       state;
    unsigned  signature;                    /* that the first bytes suggest */
    unsigned  nheld;                        /* bytes of it read */
    size_t    size;                         /* of what it yielded */
    unsigned  nmembers;
} layer_t;

typedef struct {
    z_stream  z;
    byte_t    buffer[BUFFER_SIZE];
} gunzip_t;

struct tlsrpt_inflate {
    tlsrpt_inflate_sink_pt  sink;
    void                   *ctx;
    size_t                  max_size;

    int                     error;
    unsigned                deviations;
    const char             *message;

    /* origin is what an address in the bytes being fed is ahead of its offset
       in the body, and wraps. */
    uintptr_t               origin;
    size_t                  offset;

    layer_t                 layers[NLAYERS];
    gunzip_t               *gunzip[NGZIP];  /* [1] only where it is met */

    struct libdeflate_decompressor  *whole;
};

/* What a layer may begin with, besides white space and a brace. */
enum {
    SIGNATURE_GZIP = 0,
    SIGNATURE_ZIP,
    SIGNATURE_BOM,
    NSIGNATURES
};

static const struct {
    byte_t    bytes[4];
    unsigned  len;
} signatures[NSIGNATURES] = {
    { { 0x1f, 0x8b }, 2 },                  /* RFC 1952 2.3.1 */
    { { 'P', 'K', 3, 4 }, 4 },
    { { 0xef, 0xbb, 0xbf }, 3 }
};

static int take(tlsrpt_inflate_t *inf, unsigned n, const byte_t *bytes,
    size_t len);


static gunzip_t *
gunzip_create(void)
{
    gunzip_t  *gunzip = malloc(sizeof(gunzip_t));

    if (gunzip == NULL) {
        return NULL;
    }

    memset(&gunzip->z, 0, sizeof(z_stream));

    if (inflateInit2(&gunzip->z, WINDOW_BITS) != Z_OK) {
        free(gunzip);
        return NULL;
    }

    return gunzip;
}


static void
gunzip_destroy(gunzip_t *gunzip)
{
    if (gunzip != NULL) {
        (void) inflateEnd(&gunzip->z);
        free(gunzip);
    }
}


/* Layer n has read up to p.  Only the body has places. */
static void
mark(tlsrpt_inflate_t *inf, unsigned n, const byte_t *p)
{
    if (n == 0) {
        inf->offset = (size_t) ((uintptr_t) p - inf->origin);
    }
}


size_t
tlsrpt_inflate_allowed(size_t len, int is_twice)
{
    size_t  shift = is_twice;
    size_t  free_text = FREE_TEXT >> 2 * shift, ratio = MAX_RATIO >> shift;
    size_t  free_len = 2 * (free_text / ratio);

    return len <= free_len ? free_text
           : len - free_len > (SIZE_MAX - free_text) / ratio ? SIZE_MAX
           : free_text + (len - free_len) * ratio;
}


/* Is what the body yields gzip again, with the bytes that it yields next? */
static int
yields_gzip(const tlsrpt_inflate_t *inf, const byte_t *bytes)
{
    const layer_t  *inner = &inf->layers[1];

    return inner->nmembers > 0
           || (inner->state == LAYER_START
               && (inner->nheld > 0
                   ? inner->signature == SIGNATURE_GZIP
                   : bytes[0] == signatures[SIGNATURE_GZIP].bytes[0]));
}


/* What layer n may have yielded by now.  gzip data hardly gets shorter when it
   is zipped again: what lies between two layers is no longer than the body but
   for what a short one may.  How much of the body has been read by then depends
   on how it came; nothing honest is near. */
static size_t
allowed_of(const tlsrpt_inflate_t *inf, unsigned n, const byte_t *bytes)
{
    size_t  allowed = inf->layers[n].state != LAYER_GZIP
                      ? inf->max_size
                      : n == 0 && yields_gzip(inf, bytes)
                      ? inf->offset + inf->offset / 4 + 128
                      : tlsrpt_inflate_allowed(inf->offset, n > 0);

    return allowed < inf->max_size ? allowed : inf->max_size;
}


/* Hands on what layer n yielded, as far as the bound lets it. */
static int
yield(tlsrpt_inflate_t *inf, unsigned n, const byte_t *bytes, size_t len)
{
    layer_t  *layer = &inf->layers[n];
    size_t    bound = len > 0 ? allowed_of(inf, n, bytes) : inf->max_size;
    size_t    room = layer->size < bound ? bound - layer->size : 0;
    size_t    allowed = len < room ? len : room;
    int       rc = TLSRPT_OK;

    if (allowed > 0) {
        layer->size += allowed;
        rc = layer->state == LAYER_GZIP
             ? take(inf, n + 1, bytes, allowed)
             : inf->sink(inf->ctx, bytes, allowed);
    }

    return rc != TLSRPT_OK || len <= room ? rc
           : bound == inf->max_size ? TLSRPT_ERR_TOO_LARGE : TLSRPT_ERR_RATIO;
}


/* Plain text as it lies; the first byte over the bound is the one marked. */
static int
yield_plain(tlsrpt_inflate_t *inf, unsigned n, const byte_t *p,
    const byte_t *end)
{
    size_t  room = inf->max_size - inf->layers[n].size;
    size_t  len = (size_t) (end - p);

    mark(inf, n, len < room ? end : p + room);

    return yield(inf, n, p, len);
}


/* A member's first two bytes have been read; they may have come in two. */
static int
begin_member(tlsrpt_inflate_t *inf, unsigned n)
{
    layer_t   *layer = &inf->layers[n];
    gunzip_t  *gunzip = inf->gunzip[n];
    z_stream  *z = &gunzip->z;

    layer->state = LAYER_GZIP;
    layer->nheld = 0;

    if (++layer->nmembers > MAX_MEMBERS && n > 0) {
        return TLSRPT_ERR_RATIO;
    }

    z->next_in = signatures[SIGNATURE_GZIP].bytes;
    z->avail_in = signatures[SIGNATURE_GZIP].len;
    z->next_out = gunzip->buffer;
    z->avail_out = BUFFER_SIZE;

    return inflateReset(z) == Z_OK && inflate(z, Z_NO_FLUSH) == Z_OK
           ? TLSRPT_OK : TLSRPT_ERR_GZIP;
}


/* The layer is gzip: its first member. */
static int
begin_gzip(tlsrpt_inflate_t *inf, unsigned n)
{
    if (n == NGZIP) {
        return TLSRPT_ERR_GZIP_NESTED;
    }

    if (n > 0) {
        inf->deviations |= TLSRPT_INFLATE_TWICE;
    }

    if (inf->gunzip[n] == NULL) {
        inf->gunzip[n] = gunzip_create();

        if (inf->gunzip[n] == NULL) {
            return TLSRPT_ERR_MEMORY;
        }
    }

    return begin_member(inf, n);
}


static int
end_signature(tlsrpt_inflate_t *inf, unsigned n)
{
    layer_t  *layer = &inf->layers[n];

    layer->nheld = 0;

    switch (layer->signature) {

    case SIGNATURE_GZIP:
        return begin_gzip(inf, n);

    case SIGNATURE_ZIP:
        return TLSRPT_ERR_ZIP;

    default: /* SIGNATURE_BOM: the reader of the text notes it */
        layer->state = LAYER_SPACE;
        return yield(inf, n, signatures[SIGNATURE_BOM].bytes,
                     signatures[SIGNATURE_BOM].len);
    }
}


static int
take_signature(tlsrpt_inflate_t *inf, unsigned n, const byte_t **p)
{
    layer_t   *layer = &inf->layers[n];
    unsigned   i = layer->signature;

    if (layer->nheld == 0) {
        for (i = 0; i < NSIGNATURES && signatures[i].bytes[0] != **p; i++) {
            /* void */
        }

        layer->signature = i;
    }

    if (i == NSIGNATURES || signatures[i].bytes[layer->nheld] != **p) {
        mark(inf, n, *p);
        return TLSRPT_ERR_NOT_REPORT;
    }

    mark(inf, n, ++*p);

    return ++layer->nheld == signatures[i].len ? end_signature(inf, n)
                                               : TLSRPT_OK;
}


/* White space goes on at once, so that places in the text stay right. */
static int
take_space(tlsrpt_inflate_t *inf, unsigned n, const byte_t **p,
    const byte_t *end)
{
    const byte_t  *start = *p;

    while (*p < end && tlsrpt_is_space((char) **p)) {
        (*p)++;
    }

    inf->layers[n].state = LAYER_SPACE;
    return yield_plain(inf, n, start, *p);
}


static int
take_start(tlsrpt_inflate_t *inf, unsigned n, const byte_t **p,
    const byte_t *end)
{
    layer_t  *layer = &inf->layers[n];

    if (layer->nheld == 0 && **p == '{') {
        layer->state = LAYER_PLAIN;

        if (n == 0) {
            inf->deviations |= TLSRPT_INFLATE_PLAIN;
        }

        return TLSRPT_OK;
    }

    if (layer->nheld == 0 && tlsrpt_is_space((char) **p)) {
        return take_space(inf, n, p, end);
    }

    if (layer->state == LAYER_SPACE) {
        mark(inf, n, *p);
        return TLSRPT_ERR_NOT_REPORT;
    }

    return take_signature(inf, n, p);
}


static int
check_gzip(tlsrpt_inflate_t *inf, unsigned n, int zrc)
{
    switch (zrc) {

    case Z_OK:
    case Z_BUF_ERROR:                       /* wants more of either side */
        return TLSRPT_OK;

    case Z_STREAM_END:
        inf->layers[n].state = LAYER_BETWEEN;
        return TLSRPT_OK;

    case Z_MEM_ERROR:
        return TLSRPT_ERR_MEMORY;

    default:
        inf->message = inf->gunzip[n]->z.msg;
        return TLSRPT_ERR_GZIP;
    }
}


/* Z_FINISH is but a hint: a member that ends within one call needs no window.
   What came out before an error goes on first, whatever the split. */
static int
take_gzip(tlsrpt_inflate_t *inf, unsigned n, const byte_t **p,
    const byte_t *end)
{
    gunzip_t  *gunzip = inf->gunzip[n];
    z_stream  *z = &gunzip->z;
    size_t     len = (size_t) (end - *p);
    int        rc, zrc;

    z->next_in = *p;
    z->avail_in = len < UINT_MAX ? (uInt) len : UINT_MAX;

    do {
        size_t  size = inf->layers[n].size < FIRST_SIZE ? FIRST_SIZE
                                                        : BUFFER_SIZE;

        z->next_out = gunzip->buffer;
        z->avail_out = (uInt) size;

        zrc = inflate(z, Z_FINISH);
        mark(inf, n, z->next_in);

        rc = yield(inf, n, gunzip->buffer, size - z->avail_out);
        if (rc == TLSRPT_OK) {
            rc = check_gzip(inf, n, zrc);
        }
    } while (rc == TLSRPT_OK && z->avail_out == 0
             && inf->layers[n].state == LAYER_GZIP);

    *p = z->next_in;
    return rc;
}


#define HEADER_SIZE    10                   /* RFC 1952 2.3 */
#define TRAILER_SIZE   8
#define FLAGS          3                    /* where they are */
#define FLAG_HCRC      2

static uint32_t
get32(const byte_t *p)
{
    return p[0] | (uint32_t) p[1] << 8 | (uint32_t) p[2] << 16
           | (uint32_t) p[3] << 24;
}


/* Are the bytes one whole member whose text fits the buffer?  Mostly a piece of
   a larger one does not end in so small a number. */
static int
may_be_small(const byte_t *p, size_t len)
{
    return len >= HEADER_SIZE + TRAILER_SIZE
           && memcmp(p, signatures[SIGNATURE_GZIP].bytes,
                     signatures[SIGNATURE_GZIP].len) == 0
           && (p[FLAGS] & FLAG_HCRC) == 0   /* which libdeflate passes over */
           && get32(p + len - 4) < BUFFER_SIZE;
}


/* Most bodies come whole and are small: libdeflate reads them in three quarters
   of zlib's time.  1, with the length of the text in *n; 0: whatever it is,
   zlib shall say.  Codes that no compressor makes, and zlib refuses, may be
   taken here; length and CRC of the text are right even so. */
static int
gunzip_small(tlsrpt_inflate_t *inf, const byte_t *bytes, size_t len, size_t *n)
{
    size_t  used;

    return may_be_small(bytes, len)
           && libdeflate_gzip_decompress_ex(inf->whole, bytes, len,
                                            inf->gunzip[0]->buffer,
                                            BUFFER_SIZE, &used, n)
              == LIBDEFLATE_SUCCESS
           && used == len;
}


/* The same as take(), of the first bytes of the body. */
static int
take_first(tlsrpt_inflate_t *inf, const byte_t *bytes, size_t len)
{
    int       rc;
    size_t    n;
    layer_t  *layer = &inf->layers[0];

    if (!gunzip_small(inf, bytes, len, &n)) {
        return take(inf, 0, bytes, len);
    }

    layer->state = LAYER_GZIP;
    mark(inf, 0, bytes + len);

    rc = yield(inf, 0, inf->gunzip[0]->buffer, n);
    if (rc == TLSRPT_OK) {
        layer->state = LAYER_BETWEEN;
    }

    return rc;
}


/* Another member follows at once (RFC 1952 2.2), or what is left is not gzip:
   MIME and sloppy senders leave line ends and NULs. */
static int
take_between(tlsrpt_inflate_t *inf, unsigned n, const byte_t **p)
{
    layer_t  *layer = &inf->layers[n];

    if (**p != signatures[SIGNATURE_GZIP].bytes[layer->nheld]) {
        layer->state = LAYER_TRAILING;
        inf->deviations |= TLSRPT_INFLATE_TRAILING;
        return TLSRPT_OK;
    }

    mark(inf, n, ++*p);

    if (++layer->nheld < signatures[SIGNATURE_GZIP].len) {
        return TLSRPT_OK;
    }

    inf->deviations |= TLSRPT_INFLATE_MEMBERS;
    return begin_member(inf, n);
}


static int
take(tlsrpt_inflate_t *inf, unsigned n, const byte_t *bytes, size_t len)
{
    const byte_t  *p = bytes, *end = bytes + len;
    int            rc = TLSRPT_OK;

    while (rc == TLSRPT_OK && p < end) {

        switch (inf->layers[n].state) {

        case LAYER_START:
        case LAYER_SPACE:
            rc = take_start(inf, n, &p, end);
            break;

        case LAYER_GZIP:
            rc = take_gzip(inf, n, &p, end);
            break;

        case LAYER_BETWEEN:
            rc = take_between(inf, n, &p);
            break;

        case LAYER_PLAIN:
            return yield_plain(inf, n, p, end);

        default: /* LAYER_TRAILING */
            mark(inf, n, end);
            return TLSRPT_OK;
        }
    }

    return rc;
}


static int
finish_layer(tlsrpt_inflate_t *inf, unsigned n)
{
    layer_t  *layer = &inf->layers[n];

    switch (layer->state) {

    case LAYER_START:
        return layer->nheld == 0 ? TLSRPT_ERR_EMPTY
               : layer->signature == SIGNATURE_GZIP ? TLSRPT_ERR_GZIP_TRUNCATED
               : TLSRPT_ERR_NOT_REPORT;

    case LAYER_SPACE:
        return TLSRPT_ERR_EMPTY;

    case LAYER_GZIP:
        return TLSRPT_ERR_GZIP_TRUNCATED;

    case LAYER_PLAIN:
        return TLSRPT_OK;

    case LAYER_BETWEEN:
        if (layer->nheld > 0) {
            inf->deviations |= TLSRPT_INFLATE_TRAILING;
        }
        /* fall through */

    default: /* LAYER_TRAILING */
        return finish_layer(inf, n + 1);
    }
}


tlsrpt_inflate_t *
tlsrpt_inflate_create(void)
{
    tlsrpt_inflate_t  *inf = calloc(1, sizeof(tlsrpt_inflate_t));

    if (inf == NULL) {
        return NULL;
    }

    inf->gunzip[0] = gunzip_create();
    inf->whole = libdeflate_alloc_decompressor();

    if (inf->gunzip[0] == NULL || inf->whole == NULL) {
        tlsrpt_inflate_destroy(inf);
        return NULL;
    }

    return inf;
}


void
tlsrpt_inflate_destroy(tlsrpt_inflate_t *inf)
{
    if (inf != NULL) {
        libdeflate_free_decompressor(inf->whole);
        gunzip_destroy(inf->gunzip[0]);
        gunzip_destroy(inf->gunzip[1]);
        free(inf);
    }
}


void
tlsrpt_inflate_reset(tlsrpt_inflate_t *inf, size_t max_size,
    tlsrpt_inflate_sink_pt sink, void *ctx)
{
    inf->sink = sink;
    inf->ctx = ctx;
    inf->max_size = max_size;

    inf->error = TLSRPT_OK;
    inf->deviations = 0;
    inf->message = NULL;
    inf->offset = 0;

    memset(inf->layers, 0, sizeof(inf->layers));
}


int
tlsrpt_inflate_feed(tlsrpt_inflate_t *inf, const void *bytes, size_t len)
{
    if (inf->error == TLSRPT_OK && len > 0) {
        inf->origin = (uintptr_t) bytes - inf->offset;
        inf->error = inf->offset == 0 ? take_first(inf, bytes, len)
                                      : take(inf, 0, bytes, len);
    }

    return inf->error;
}


int
tlsrpt_inflate_finish(tlsrpt_inflate_t *inf)
{
    if (inf->error == TLSRPT_OK) {
        inf->error = finish_layer(inf, 0);
    }

    return inf->error;
}


size_t
tlsrpt_inflate_offset(const tlsrpt_inflate_t *inf)
{
    return inf->offset;
}


const char *
tlsrpt_inflate_message(const tlsrpt_inflate_t *inf)
{
    return inf->message;
}


unsigned
tlsrpt_inflate_deviations(const tlsrpt_inflate_t *inf)
{
    return inf->deviations;
}
