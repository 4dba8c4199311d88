/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The names of members: those that the caller expects, recognized as they are
 * spelled, and all others, kept until their object ends.  Decoded, a name is
 * unique in its object (RFC 7493 2.3).  For tlsrpt_json.c alone.
 */

#ifndef TLSRPT_JSON_NAMES_H
#define TLSRPT_JSON_NAMES_H

#include <stdint.h>
#include <string.h>

#include "tlsrpt_buf.h"
#include "tlsrpt_json.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_JSON_HOT   inline __attribute__((always_inline))

typedef struct {
    uint32_t  hash;
    uint32_t  len;
    uint32_t  at;                           /* in bytes.data */
} tlsrpt_json_given_t;

/* The names that were not expected, of all open objects, and a table of them.
   Strangers choose the names: the seed is secret, see tlsrpt_hash.h. */
typedef struct {
    tlsrpt_buf_t          bytes;
    tlsrpt_json_given_t  *given;
    size_t                n;
    size_t                size;
    uint32_t             *slots;            /* number of a name, from 1 */
    size_t                nslots;           /* twice the size */
    uint64_t              seed;
} tlsrpt_json_names_t;

/* What has come of an object. */
typedef struct {
    unsigned                   nmembers;

    const char                *expected;    /* names */
    size_t                     size;
    unsigned                   nexpected;
    unsigned                   next;        /* that should come */
    const tlsrpt_json_name_t  *next_name;
    const tlsrpt_json_name_t **told;
    uint32_t                   given;       /* bit: number */

    uint32_t                   first;       /* of the other names */
} tlsrpt_json_object_t;


void tlsrpt_json_names_reset(tlsrpt_json_names_t *names, size_t keep);
void tlsrpt_json_names_free(tlsrpt_json_names_t *names);

/* Forgets those from the number first on. */
void tlsrpt_json_names_drop(tlsrpt_json_names_t *names, size_t first);

/* Adds a name that is not expected.  TLSRPT_OK or the error. */
int tlsrpt_json_name_add(tlsrpt_json_names_t *names,
    tlsrpt_json_object_t *object, const char *s, size_t len) TLSRPT_MUST_USE;

/* Where the text spells an expected name, or s is one: makes it the next, and
   returns 1; else 0. */
int tlsrpt_json_seek_spelled(tlsrpt_json_object_t *object,
    const unsigned char *p, size_t len);
int tlsrpt_json_seek_decoded(tlsrpt_json_object_t *object, const char *s,
    size_t len);


static TLSRPT_JSON_HOT void
tlsrpt_json_object_begin(tlsrpt_json_object_t *object,
    const tlsrpt_json_names_t *names)
{
    object->nmembers = 0;
    object->nexpected = 0;
    object->next = 0;
    object->given = 0;
    object->first = (uint32_t) names->n;
}


static inline uint64_t
tlsrpt_json_load64(const void *p)
{
    uint64_t  x;

    memcpy(&x, p, sizeof(x));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    x = __builtin_bswap64(x);
#endif
    return x;
}


/* Does the text at p, of len bytes, spell the name?  Its last eight bytes may
   overlap those before. */
static TLSRPT_JSON_HOT int
tlsrpt_json_name_is_spelled(const tlsrpt_json_name_t *name,
    const unsigned char *p, size_t len)
{
    size_t  i, last = name->len - 8;

    if (len < name->len
        || tlsrpt_json_load64(p) != tlsrpt_json_load64(name->quoted))
    {
        return 0;
    }

    for (i = 8; i < last; i += 8) {
        if (tlsrpt_json_load64(p + i) != tlsrpt_json_load64(name->quoted + i)) {
            return 0;
        }
    }

    return tlsrpt_json_load64(p + last)
           == tlsrpt_json_load64(name->quoted + last);
}


/* The next expected name has come: then the one after it is next. */
static TLSRPT_JSON_HOT int
tlsrpt_json_name_give(tlsrpt_json_object_t *object)
{
    uint32_t  bit = UINT32_C(1) << object->next;

    if (object->given & bit) {
        return TLSRPT_ERR_JSON_DUPLICATE;
    }

    if (object->nmembers == TLSRPT_JSON_MAX_MEMBERS) {
        return TLSRPT_ERR_TOO_MANY;
    }

    *object->told = object->next_name;
    object->given |= bit;
    object->nmembers++;
    object->next++;
    object->next_name = (const void *) ((const char *) object->next_name
                                       + object->size);
    return TLSRPT_OK;
}

#pragma GCC visibility pop

#endif /* TLSRPT_JSON_NAMES_H */
