/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include "tlsrpt_hash.h"
#include "tlsrpt_text.h"


#define BLOCK_SIZE   4096
#define BLOCK_LARGE  65536
#define SLOTS        64
#define SLOTS_KEPT   256

struct tlsrpt_text_block {
    tlsrpt_text_block_t  *next;
    size_t                size;
    char                  data[];
};


static void
free_blocks(tlsrpt_text_block_t *block)
{
    while (block != NULL) {
        tlsrpt_text_block_t  *next = block->next;

        free(block);
        block = next;
    }
}


void
tlsrpt_text_free(tlsrpt_text_t *text)
{
    free_blocks(text->blocks);
    free(text->slots);
    memset(text, 0, sizeof(*text));
}


void
tlsrpt_text_reset(tlsrpt_text_t *text)
{
    if (text->nslots > SLOTS_KEPT || (text->blocks && text->blocks->next)) {
        tlsrpt_text_free(text);
        return;
    }

    if (text->nused) {
        memset(text->slots, 0, text->nslots * sizeof(*text->slots));
        text->nused = 0;
    }

    text->left = text->blocks ? text->blocks->size : 0;
    text->size = 0;
}


static int
add_block(tlsrpt_text_t *text, size_t len)
{
    size_t                size = text->blocks ? BLOCK_LARGE : BLOCK_SIZE;
    tlsrpt_text_block_t  *block;

    if (size < len) {
        size = len;
    }

    block = malloc(sizeof(*block) + size);

    if (block == NULL) {
        return -1;
    }

    block->next = text->blocks;
    block->size = size;
    text->blocks = block;
    text->left = size;

    return 0;
}


int
tlsrpt_text_full(const tlsrpt_text_t *text)
{
    return text->size > TLSRPT_MAX_TEXT - BLOCK_LARGE;
}


size_t
tlsrpt_text_cut(const char *s, size_t len, size_t max)
{
    if (len <= max) {
        return len;
    }

    while (max && ((unsigned char) s[max] & 0xc0) == 0x80) {
        max--;
    }

    return max;
}


/* The copy, or NULL. */

static char *
put(tlsrpt_text_t *text, const char *s, size_t len)
{
    char  *p;

    if (len > TLSRPT_MAX_TEXT - text->size
        || (text->left < len + 1 && add_block(text, len + 1) != 0))
    {
        return NULL;
    }

    p = text->blocks->data + (text->blocks->size - text->left);

    if (len) {
        memcpy(p, s, len);
    }

    p[len] = '\0';
    text->left -= len + 1;
    text->size += len;

    return p;
}


int
tlsrpt_text_copy(tlsrpt_text_t *text, const char *s, size_t len,
    tlsrpt_str_t *copy)
{
    char  *p = put(text, s, len);

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
grow_slots(tlsrpt_text_t *text)
{
    size_t         nslots = text->nslots ? text->nslots * 2 : SLOTS;
    uint64_t       seed = tlsrpt_hash_seed(text);
    tlsrpt_str_t  *slots = calloc(nslots, sizeof(*slots));

    if (slots == NULL) {
        return -1;
    }

    for (size_t i = 0; i < text->nslots; i++) {
        tlsrpt_str_t  *old = &text->slots[i];

        if (old->data != NULL) {
            *find_slot(slots, nslots, seed, old->data, old->len) = *old;
        }
    }

    text->seed = seed;
    free(text->slots);
    text->slots = slots;
    text->nslots = nslots;

    return 0;
}


int
tlsrpt_text_intern(tlsrpt_text_t *text, const char *s, size_t len,
    tlsrpt_str_t *copy)
{
    char          *p;
    tlsrpt_str_t  *slot;

    if (text->nused >= text->nslots / 2 && grow_slots(text) != 0) {
        return -1;
    }

    slot = find_slot(text->slots, text->nslots, text->seed, s, len);

    if (slot->data != NULL) {
        *copy = *slot;
        return 0;
    }

    p = put(text, s, len);

    if (p == NULL) {
        return -1;
    }

    /* Not one from the other: what was just stored is slow to load. */
    slot->data = p;
    slot->len = len;
    copy->data = p;
    copy->len = len;
    text->nused++;

    return 0;
}


json_t *
tlsrpt_text_json(tlsrpt_str_t s)
{
    json_t  *json;

    if (s.data == NULL) {
        return json_null();
    }

    json = json_stringn(s.data, s.len);

    return json != NULL ? json : json_string("(not UTF-8)");
}
