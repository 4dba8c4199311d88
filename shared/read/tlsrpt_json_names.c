/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>

#include "tlsrpt_hash.h"
#include "tlsrpt_json_names.h"


#define NAMES_MIN  16
#define MAX_BYTES  65536                    /* of all open objects' names */


/* Where the name number n is in the table.  Names leave in the order opposite
   to that in which they came, so that none is missed for a slot that became
   free. */

static uint32_t *
slot_of(const tlsrpt_json_names_t *names, size_t n)
{
    size_t  mask = names->nslots - 1, i = names->given[n].hash & mask;

    while (names->slots[i] != 0 && names->slots[i] != n + 1) {
        i = (i + 1) & mask;
    }

    return &names->slots[i];
}


void
tlsrpt_json_names_drop(tlsrpt_json_names_t *names, size_t first)
{
    if (first < names->n) {
        names->bytes.len = names->given[first].at;

        while (names->n > first) {
            *slot_of(names, --names->n) = 0;
        }
    }
}


void
tlsrpt_json_names_reset(tlsrpt_json_names_t *names, size_t keep)
{
    tlsrpt_json_names_drop(names, 0);
    tlsrpt_buf_reset(&names->bytes, keep);

    if (names->size * sizeof(*names->given) > keep) {
        free(names->given);
        free(names->slots);
        names->given = NULL;
        names->slots = NULL;
        names->size = 0;
        names->nslots = 0;
    }
}


void
tlsrpt_json_names_free(tlsrpt_json_names_t *names)
{
    tlsrpt_buf_free(&names->bytes);
    free(names->given);
    free(names->slots);
}


/* Where the name is in the table, of those from the number first on, or the
   free slot for it. */

static uint32_t *
find(const tlsrpt_json_names_t *names, size_t first, uint32_t hash,
    const char *s, size_t len)
{
    size_t                      i, mask = names->nslots - 1;
    const tlsrpt_json_given_t  *name;

    for (i = hash & mask; names->slots[i] != 0; i = (i + 1) & mask) {
        name = &names->given[names->slots[i] - 1];

        if (name->hash == hash && name->len == len && names->slots[i] > first
            && (len == 0
                || memcmp(names->bytes.data + name->at, s, len) == 0))
        {
            break;
        }
    }

    return &names->slots[i];
}


static int
grow(tlsrpt_json_names_t *names)
{
    size_t                size = names->size ? names->size * 2 : NAMES_MIN;
    uint32_t             *slots;
    tlsrpt_json_given_t  *given;

    given = realloc(names->given, size * sizeof(*given));

    if (given == NULL) {
        return TLSRPT_ERR_MEMORY;
    }

    names->given = given;
    slots = calloc(2 * size, sizeof(*slots));

    if (slots == NULL) {
        return TLSRPT_ERR_MEMORY;
    }

    free(names->slots);
    names->slots = slots;
    names->nslots = 2 * size;
    names->size = size;

    for (size_t n = 0; n < names->n; n++) {
        *slot_of(names, n) = (uint32_t) n + 1;
    }

    return TLSRPT_OK;
}


/* The caller keeps the length within its bound. */

static int
keep(tlsrpt_json_names_t *names, uint32_t *slot, uint32_t hash, const char *s,
    size_t len)
{
    tlsrpt_json_given_t  *name = &names->given[names->n];

    name->hash = hash;
    name->len = (uint32_t) len;
    name->at = (uint32_t) names->bytes.len;

    tlsrpt_buf_add(&names->bytes, s, len);

    if (names->bytes.failed) {
        return TLSRPT_ERR_MEMORY;
    }

    *slot = (uint32_t) ++names->n;

    return TLSRPT_OK;
}


int
tlsrpt_json_name_add(tlsrpt_json_names_t *names, tlsrpt_json_object_t *object,
    const char *s, size_t len)
{
    uint32_t  hash, *slot;

    if (names->n == names->size && grow(names) != TLSRPT_OK) {
        return TLSRPT_ERR_MEMORY;
    }

    /* the objects within one another have mostly the same names */
    hash = (uint32_t) tlsrpt_hash(names->seed + 2 * (uint64_t) object->first,
                                  s, len);
    slot = find(names, object->first, hash, s, len);

    if (*slot != 0) {
        return TLSRPT_ERR_JSON_DUPLICATE;
    }

    if (object->nmembers == TLSRPT_JSON_MAX_MEMBERS) {
        return TLSRPT_ERR_TOO_MANY;
    }

    if (len > MAX_BYTES - names->bytes.len) {
        return TLSRPT_ERR_TOO_LONG;
    }

    if (keep(names, slot, hash, s, len) != TLSRPT_OK) {
        return TLSRPT_ERR_MEMORY;
    }

    object->nmembers++;

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
