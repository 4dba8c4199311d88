/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>

#include "tlsrpt_json_names.h"


#define NAMES_MIN  16
#define MAX_BYTES  262144                   /* of all open objects' names */


void
tlsrpt_json_names_reset(tlsrpt_json_names_t *names, size_t keep)
{
    tlsrpt_buf_reset(&names->bytes, keep);
    names->n = 0;

    if (names->size * sizeof(*names->given) > keep) {
        free(names->given);
        names->given = NULL;
        names->size = 0;
    }
}


void
tlsrpt_json_names_free(tlsrpt_json_names_t *names)
{
    tlsrpt_buf_free(&names->bytes);
    free(names->given);
}


void
tlsrpt_json_names_drop(tlsrpt_json_names_t *names, size_t first)
{
    if (first < names->n) {
        names->bytes.len = names->given[first].at;
        names->n = first;
    }
}


static inline uint64_t
load32(const void *p)
{
    uint32_t  x;

    memcpy(&x, p, sizeof(x));
    return x;
}


/* Of the length and both ends alone: equal hashes are settled by the bytes. */

static inline uint32_t
hash_of(const char *s, size_t len)
{
    uint64_t  x = len;

    if (len >= 8) {
        x += tlsrpt_json_load64(s) * UINT64_C(0x9e3779b97f4a7c15)
             + tlsrpt_json_load64(s + len - 8);

    } else if (len >= 4) {
        x += load32(s) << 32 ^ load32(s + len - 4) << 8;

    } else if (len > 0) {
        x += (uint64_t) (unsigned char) s[0] << 8;
        x += (uint64_t) (unsigned char) s[len / 2] << 16;
        x += (uint64_t) (unsigned char) s[len - 1] << 24;
    }

    x *= UINT64_C(0xd6e8feb86659fd93);
    return (uint32_t) (x >> 32);
}


static int
is_known(const tlsrpt_json_names_t *names, size_t first, uint32_t hash,
    const char *s, size_t len)
{
    const tlsrpt_json_given_t  *name = names->given + first;
    const tlsrpt_json_given_t  *last = names->given + names->n;

    for ( ; name < last; name++) {
        if (name->hash == hash && name->len == len
            && (len == 0
                || memcmp(names->bytes.data + name->at, s, len) == 0))
        {
            return 1;
        }
    }

    return 0;
}


static int
grow(tlsrpt_json_names_t *names)
{
    size_t                size = names->size ? names->size * 2 : NAMES_MIN;
    tlsrpt_json_given_t  *given;

    given = realloc(names->given, size * sizeof(*given));

    if (given == NULL) {
        return TLSRPT_ERR_MEMORY;
    }

    names->given = given;
    names->size = size;

    return TLSRPT_OK;
}


/* The caller keeps the length within its bound. */

static int
keep(tlsrpt_json_names_t *names, uint32_t hash, const char *s, size_t len)
{
    tlsrpt_json_given_t  *name;

    if (names->n == names->size && grow(names) != TLSRPT_OK) {
        return TLSRPT_ERR_MEMORY;
    }

    name = &names->given[names->n];
    name->hash = hash;
    name->len = (uint32_t) len;
    name->at = (uint32_t) names->bytes.len;

    tlsrpt_buf_add(&names->bytes, s, len);

    if (names->bytes.failed) {
        return TLSRPT_ERR_MEMORY;
    }

    names->n++;

    return TLSRPT_OK;
}


int
tlsrpt_json_name_add(tlsrpt_json_names_t *names, tlsrpt_json_object_t *object,
    const char *s, size_t len)
{
    uint32_t   hash = hash_of(s, len);
    uint64_t  *seen = &object->seen[hash / 64 % (TLSRPT_JSON_SEEN / 64)];
    uint64_t   bit = UINT64_C(1) << hash % 64;

    if (names->n == object->first) {
        memset(object->seen, 0, sizeof(object->seen));
    }

    if ((*seen & bit) && is_known(names, object->first, hash, s, len)) {
        return TLSRPT_ERR_JSON_DUPLICATE;
    }

    if (object->nmembers == TLSRPT_JSON_MAX_MEMBERS) {
        return TLSRPT_ERR_TOO_MANY;
    }

    if (len > MAX_BYTES - names->bytes.len) {
        return TLSRPT_ERR_TOO_LONG;
    }

    if (keep(names, hash, s, len) != TLSRPT_OK) {
        return TLSRPT_ERR_MEMORY;
    }

    object->nmembers++;
    *seen |= bit;

    if (object->nexpected > 0) {
        *object->told = NULL;
    }

    return TLSRPT_OK;
}


static inline const tlsrpt_json_name_t *
expected(const tlsrpt_json_object_t *object, unsigned i)
{
    return (const void *) (object->expected + i * object->size);
}


/* Makes the name of the number i the next, where there is one of it. */

static inline int
seek(tlsrpt_json_object_t *object, unsigned i)
{
    if (i == object->nexpected) {
        return 0;
    }

    object->next = i;
    object->next_name = expected(object, i);

    return 1;
}


int
tlsrpt_json_seek_spelled(tlsrpt_json_object_t *object, const unsigned char *p,
    size_t len)
{
    unsigned  i;

    for (i = 0; i < object->nexpected; i++) {
        if (tlsrpt_json_name_is_spelled(expected(object, i), p, len)) {
            break;
        }
    }

    return seek(object, i);
}


int
tlsrpt_json_seek_decoded(tlsrpt_json_object_t *object, const char *s,
    size_t len)
{
    const tlsrpt_json_name_t  *name;
    unsigned                   i;

    for (i = 0; i < object->nexpected; i++) {
        name = expected(object, i);

        if (name->len == len + 3 && memcmp(name->quoted + 1, s, len) == 0) {
            break;
        }
    }

    return seek(object, i);
}
