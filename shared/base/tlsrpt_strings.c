/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include "tlsrpt_hash.h"
#include "tlsrpt_strings.h"


#define BLOCK_SIZE   4096
#define BLOCK_LARGE  65536
#define SLOTS        64
#define SLOTS_KEPT   256

struct tlsrpt_strings_block {
    tlsrpt_strings_block_t  *next;
    size_t                   size;
    char                     data[];
};


static void
free_blocks(tlsrpt_strings_block_t *block)
{
    while (block != NULL) {
        tlsrpt_strings_block_t  *next = block->next;

        free(block);
        block = next;
    }
}


void
tlsrpt_strings_free(tlsrpt_strings_t *strings)
{
    free_blocks(strings->blocks);
    free(strings->slots);
    memset(strings, 0, sizeof(*strings));
}


void
tlsrpt_strings_reset(tlsrpt_strings_t *strings)
{
    if (strings->nslots > SLOTS_KEPT
        || (strings->blocks && strings->blocks->next))
    {
        tlsrpt_strings_free(strings);
        return;
    }

    if (strings->nused) {
        memset(strings->slots, 0, strings->nslots * sizeof(*strings->slots));
        strings->nused = 0;
    }

    strings->left = strings->blocks ? strings->blocks->size : 0;
    strings->size = 0;
}


static int
add_block(tlsrpt_strings_t *strings, size_t len)
{
    size_t                   size = strings->blocks ? BLOCK_LARGE : BLOCK_SIZE;
    tlsrpt_strings_block_t  *block;

    if (size < len) {
        size = len;
    }

    block = malloc(sizeof(*block) + size);

    if (block == NULL) {
        return -1;
    }

    block->next = strings->blocks;
    block->size = size;
    strings->blocks = block;
    strings->left = size;

    return 0;
}


int
tlsrpt_strings_full(const tlsrpt_strings_t *strings)
{
    return strings->size > TLSRPT_MAX_TEXT - BLOCK_LARGE;
}


/* The copy, or NULL. */

static char *
put(tlsrpt_strings_t *strings, const char *s, size_t len)
{
    char  *p;

    if (len > TLSRPT_MAX_TEXT - strings->size
        || (strings->left < len + 1 && add_block(strings, len + 1) != 0))
    {
        return NULL;
    }

    p = strings->blocks->data + (strings->blocks->size - strings->left);

    if (len) {
        memcpy(p, s, len);
    }

    p[len] = '\0';
    strings->left -= len + 1;
    strings->size += len;

    return p;
}


int
tlsrpt_strings_copy(tlsrpt_strings_t *strings, const char *s, size_t len,
    tlsrpt_str_t *copy)
{
    char  *p = put(strings, s, len);

    if (p == NULL) {
        return -1;
    }

    copy->data = p;
    copy->len = len;

    return 0;
}


static inline tlsrpt_str_t *
find_slot(tlsrpt_str_t *slots, size_t nslots, uint64_t seed, const char *s,
    size_t len)
{
    size_t  i = tlsrpt_hash(seed, s, len) & (nslots - 1);

    while (slots[i].data != NULL
           && (slots[i].len != len || memcmp(slots[i].data, s, len) != 0))
    {
        i = (i + 1) & (nslots - 1);
    }

    return &slots[i];
}


static int
grow_slots(tlsrpt_strings_t *strings)
{
    size_t         nslots = strings->nslots ? strings->nslots * 2 : SLOTS;
    uint64_t       seed = tlsrpt_hash_seed(strings);
    tlsrpt_str_t  *slots = calloc(nslots, sizeof(*slots));

    if (slots == NULL) {
        return -1;
    }

    for (size_t i = 0; i < strings->nslots; i++) {
        tlsrpt_str_t  *old = &strings->slots[i];

        if (old->data != NULL) {
            *find_slot(slots, nslots, seed, old->data, old->len) = *old;
        }
    }

    strings->seed = seed;
    free(strings->slots);
    strings->slots = slots;
    strings->nslots = nslots;

    return 0;
}


int
tlsrpt_strings_intern(tlsrpt_strings_t *strings, const char *s, size_t len,
    tlsrpt_str_t *copy)
{
    char          *p;
    tlsrpt_str_t  *slot;

    if (strings->nused >= strings->nslots / 2 && grow_slots(strings) != 0) {
        return -1;
    }

    slot = find_slot(strings->slots, strings->nslots, strings->seed, s, len);

    if (slot->data != NULL) {
        *copy = *slot;
        return 0;
    }

    p = put(strings, s, len);

    if (p == NULL) {
        return -1;
    }

    /* Not one from the other: what was just stored is slow to load. */
    slot->data = p;
    slot->len = len;
    copy->data = p;
    copy->len = len;
    strings->nused++;

    return 0;
}
