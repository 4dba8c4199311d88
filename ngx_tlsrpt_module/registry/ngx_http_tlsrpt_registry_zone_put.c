/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Changes of the zone.
 */

#include "ngx_http_tlsrpt_registry_zone.h"


static void ngx_http_tlsrpt_zone_keep(ngx_http_tlsrpt_row_t *row,
    ngx_http_tlsrpt_entry_t *entry);
static ngx_http_tlsrpt_entry_t *ngx_http_tlsrpt_zone_new(
    ngx_http_tlsrpt_row_t *row, uint32_t hash);
static ngx_int_t ngx_http_tlsrpt_zone_text(ngx_http_tlsrpt_row_t *row,
    ngx_http_tlsrpt_text_t **text);
static void ngx_http_tlsrpt_zone_drop_text(ngx_http_tlsrpt_text_t *text);
static ngx_int_t ngx_http_tlsrpt_zone_claims(ngx_http_tlsrpt_row_t *row,
    ngx_http_tlsrpt_claim_t **claims);
static ngx_http_tlsrpt_claim_t *ngx_http_tlsrpt_zone_claim(
    ngx_http_tlsrpt_row_claim_t *row);
static ngx_http_tlsrpt_owner_t *ngx_http_tlsrpt_zone_own(
    const ngx_str_t *name);
static void ngx_http_tlsrpt_zone_link(ngx_http_tlsrpt_entry_t *entry);
static void ngx_http_tlsrpt_zone_drop_claims(ngx_http_tlsrpt_claim_t *claim);
static void ngx_http_tlsrpt_zone_disown(ngx_http_tlsrpt_claim_t *claim);


ngx_int_t
ngx_http_tlsrpt_zone_put(ngx_http_tlsrpt_row_t *row)
{
    uint32_t                        hash;
    ngx_http_tlsrpt_text_t         *text;
    ngx_http_tlsrpt_claim_t        *claims;
    ngx_http_tlsrpt_entry_t        *entry;
    ngx_http_tlsrpt_registry_sh_t  *sh;

    sh = ngx_http_tlsrpt_zone->sh;

    hash = ngx_http_tlsrpt_zone_hash(row->name.data, row->name.len);
    entry = ngx_http_tlsrpt_zone_find(&row->name, hash);

    if (entry && entry->generation == sh->generation
        && entry->version > row->version)
    {
        return NGX_OK;
    }

    if (entry && ngx_http_tlsrpt_zone_held(entry)) {
        ngx_http_tlsrpt_zone_keep(row, entry);
    }

    if (row->nclaims == 0) {
        if (entry) {
            ngx_http_tlsrpt_zone_remove(entry);
        }

        return NGX_OK;
    }

    if (ngx_http_tlsrpt_zone_text(row, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_tlsrpt_zone_claims(row, &claims) != NGX_OK) {
        ngx_http_tlsrpt_zone_drop_text(text);
        return NGX_ERROR;
    }

    if (entry) {
        sh->domains[entry->claims->state]--;
        ngx_http_tlsrpt_zone_drop_claims(entry->claims);
        ngx_http_tlsrpt_zone_drop_text(entry->text);

    } else {
        entry = ngx_http_tlsrpt_zone_new(row, hash);

        if (entry == NULL) {
            ngx_http_tlsrpt_zone_drop_claims(claims);
            ngx_http_tlsrpt_zone_drop_text(text);
            return NGX_ERROR;
        }
    }

    entry->text = text;
    entry->claims = claims;
    entry->until = row->until;
    entry->vanished = row->vanished;
    entry->version = row->version;
    entry->generation = sh->generation;

    ngx_http_tlsrpt_zone_link(entry);

    sh->domains[claims->state]++;
    sh->changes++;

    return NGX_OK;
}


/* A Redis that was emptied, or that has another's data, does not know who holds
   the domain; whoever enters it there, and withdraws it, ends nothing. */

static void
ngx_http_tlsrpt_zone_keep(ngx_http_tlsrpt_row_t *row,
    ngx_http_tlsrpt_entry_t *entry)
{
    ngx_http_tlsrpt_text_t       *text;
    ngx_http_tlsrpt_claim_t      *holder;
    ngx_http_tlsrpt_row_claim_t  *claim;

    if (row->nclaims == NGX_HTTP_TLSRPT_CLAIMS
        || (row->nclaims
            && row->claims[0].state != NGX_HTTP_TLSRPT_PENDING)
        || (entry->vanished == 0
            && ((row->nclaims == 0 && !row->withdrawn)
                || entry->generation == ngx_http_tlsrpt_zone->sh->generation)))
    {
        return;
    }

    ngx_memmove(&row->claims[1], &row->claims[0],
                row->nclaims * sizeof(ngx_http_tlsrpt_row_claim_t));
    row->nclaims++;

    holder = entry->claims;
    claim = &row->claims[0];

    ngx_memzero(claim, sizeof(ngx_http_tlsrpt_row_claim_t));

    claim->token.data = holder->token;
    claim->token.len = holder->len;
    claim->state = holder->state;
    claim->proved = holder->proved;

    if (holder->owner) {
        claim->owner.data = holder->owner->name;
        claim->owner.len = holder->owner->len;
    }

    text = entry->text;

    if (text) {
        row->text.data = text->data;
        row->text.len = text->len;
        row->id.data = text->data + text->len;
        row->id.len = text->id_len;
        row->mode = text->mode;
    }

    row->until = entry->until;
    row->vanished = entry->vanished ? entry->vanished
                                    : ngx_time() + NGX_HTTP_TLSRPT_VANISHED;
}


static ngx_http_tlsrpt_entry_t *
ngx_http_tlsrpt_zone_new(ngx_http_tlsrpt_row_t *row, uint32_t hash)
{
    void                          **bucket;
    ngx_http_tlsrpt_entry_t        *entry;
    ngx_http_tlsrpt_registry_sh_t  *sh;

    sh = ngx_http_tlsrpt_zone->sh;

    entry = ngx_slab_alloc_locked(ngx_http_tlsrpt_zone->shpool,
                                  offsetof(ngx_http_tlsrpt_entry_t, name)
                                  + row->name.len);
    if (entry == NULL) {
        return NULL;
    }

    entry->hash = hash;
    entry->len = (u_char) row->name.len;
    ngx_memcpy(entry->name, row->name.data, row->name.len);

    entry->node.key = ngx_http_tlsrpt_zone_key(entry->name, entry->len);

    bucket = ngx_http_tlsrpt_zone_bucket(&sh->names, hash);
    entry->next = *bucket;
    *bucket = entry;

    ngx_rbtree_insert(&sh->tree, &entry->node);

    return entry;
}


void
ngx_http_tlsrpt_zone_remove(ngx_http_tlsrpt_entry_t *entry)
{
    ngx_http_tlsrpt_entry_t        **p;
    ngx_http_tlsrpt_registry_sh_t   *sh;

    sh = ngx_http_tlsrpt_zone->sh;

    sh->domains[entry->claims->state]--;
    sh->changes++;
    sh->freed = 1;

    ngx_http_tlsrpt_zone_drop_claims(entry->claims);
    ngx_http_tlsrpt_zone_drop_text(entry->text);

    p = (ngx_http_tlsrpt_entry_t **)
            ngx_http_tlsrpt_zone_bucket(&sh->names, entry->hash);

    while (*p != entry) {
        p = &(*p)->next;
    }

    *p = entry->next;

    ngx_rbtree_delete(&sh->tree, &entry->node);
    ngx_slab_free_locked(ngx_http_tlsrpt_zone->shpool, entry);
}


void
ngx_http_tlsrpt_zone_end(ngx_http_tlsrpt_entry_t *entry)
{
    ngx_http_tlsrpt_claim_t        *holder;
    ngx_http_tlsrpt_registry_sh_t  *sh;

    sh = ngx_http_tlsrpt_zone->sh;
    holder = entry->claims;

    if (holder->next == NULL) {
        ngx_http_tlsrpt_zone_remove(entry);
        return;
    }

    sh->domains[holder->state]--;
    sh->domains[holder->next->state]++;
    sh->changes++;
    sh->freed = 1;

    entry->claims = holder->next;
    holder->next = NULL;

    ngx_http_tlsrpt_zone_drop_claims(holder);
    ngx_http_tlsrpt_zone_drop_text(entry->text);

    entry->text = NULL;
    entry->until = 0;
    entry->vanished = 0;
}


/* The text as another domain has it already, or else a new one. */

static ngx_int_t
ngx_http_tlsrpt_zone_text(ngx_http_tlsrpt_row_t *row,
    ngx_http_tlsrpt_text_t **found)
{
    void                    **bucket;
    uint32_t                  hash;
    ngx_http_tlsrpt_text_t   *text;

    *found = NULL;

    if (row->text.len == 0) {
        return NGX_OK;
    }

    hash = ngx_http_tlsrpt_zone_hash(row->text.data, row->text.len);
    bucket = ngx_http_tlsrpt_zone_bucket(&ngx_http_tlsrpt_zone->sh->texts,
                                         hash);

    for (text = *bucket; text; text = text->next) {
        if (text->hash == hash && text->len == row->text.len
            && text->mode == row->mode && text->id_len == row->id.len
            && ngx_memcmp(text->data, row->text.data, text->len) == 0
            && ngx_memcmp(text->data + text->len, row->id.data, row->id.len)
               == 0)
        {
            text->refs++;
            *found = text;
            return NGX_OK;
        }
    }

    text = ngx_slab_alloc_locked(ngx_http_tlsrpt_zone->shpool,
                                 offsetof(ngx_http_tlsrpt_text_t, data)
                                 + row->text.len + row->id.len);
    if (text == NULL) {
        return NGX_ERROR;
    }

    text->hash = hash;
    text->refs = 1;
    text->len = (uint32_t) row->text.len;
    text->id_len = (u_char) row->id.len;
    text->mode = (u_char) row->mode;

    ngx_memcpy(ngx_cpymem(text->data, row->text.data, row->text.len),
               row->id.data, row->id.len);

    text->next = *bucket;
    *bucket = text;
    *found = text;

    return NGX_OK;
}


static void
ngx_http_tlsrpt_zone_drop_text(ngx_http_tlsrpt_text_t *text)
{
    ngx_http_tlsrpt_text_t  **p;

    if (text == NULL || --text->refs) {
        return;
    }

    p = (ngx_http_tlsrpt_text_t **)
            ngx_http_tlsrpt_zone_bucket(&ngx_http_tlsrpt_zone->sh->texts,
                                        text->hash);

    while (*p != text) {
        p = &(*p)->next;
    }

    *p = text->next;

    ngx_slab_free_locked(ngx_http_tlsrpt_zone->shpool, text);
}


/* Made, and not yet of any domain: nobody finds them before they are linked. */

static ngx_int_t
ngx_http_tlsrpt_zone_claims(ngx_http_tlsrpt_row_t *row,
    ngx_http_tlsrpt_claim_t **claims)
{
    ngx_uint_t                 i;
    ngx_http_tlsrpt_claim_t  **last;

    last = claims;
    *last = NULL;

    for (i = 0; i < row->nclaims; i++) {
        *last = ngx_http_tlsrpt_zone_claim(&row->claims[i]);

        if (*last == NULL) {
            ngx_http_tlsrpt_zone_drop_claims(*claims);
            return NGX_ERROR;
        }

        last = &(*last)->next;
    }

    return NGX_OK;
}


static ngx_http_tlsrpt_claim_t *
ngx_http_tlsrpt_zone_claim(ngx_http_tlsrpt_row_claim_t *row)
{
    ngx_http_tlsrpt_claim_t  *claim;

    claim = ngx_slab_alloc_locked(ngx_http_tlsrpt_zone->shpool,
                                  offsetof(ngx_http_tlsrpt_claim_t, token)
                                  + row->token.len);
    if (claim == NULL) {
        return NULL;
    }

    ngx_memzero(claim, offsetof(ngx_http_tlsrpt_claim_t, token));

    claim->state = (u_char) row->state;
    claim->proved = row->proved;
    claim->len = (u_char) ngx_http_tlsrpt_zone_lower(claim->token,
                                                     &row->token);

    if (row->owner.len == 0) {
        return claim;
    }

    claim->owner = ngx_http_tlsrpt_zone_own(&row->owner);

    if (claim->owner == NULL) {
        ngx_slab_free_locked(ngx_http_tlsrpt_zone->shpool, claim);
        return NULL;
    }

    claim->prev_owned = &claim->owner->claims;
    claim->next_owned = claim->owner->claims;

    if (claim->next_owned) {
        claim->next_owned->prev_owned = &claim->next_owned;
    }

    claim->owner->claims = claim;
    claim->owner->nclaims++;

    return claim;
}


static ngx_http_tlsrpt_owner_t *
ngx_http_tlsrpt_zone_own(const ngx_str_t *name)
{
    void                     **bucket;
    ngx_http_tlsrpt_owner_t   *owner;

    owner = ngx_http_tlsrpt_zone_owner(name);
    if (owner) {
        return owner;
    }

    owner = ngx_slab_calloc_locked(ngx_http_tlsrpt_zone->shpool,
                                   offsetof(ngx_http_tlsrpt_owner_t, name)
                                   + name->len);
    if (owner == NULL) {
        return NULL;
    }

    owner->hash = ngx_http_tlsrpt_zone_hash(name->data, name->len);
    owner->len = (u_char) name->len;
    ngx_memcpy(owner->name, name->data, name->len);

    bucket = ngx_http_tlsrpt_zone_bucket(&ngx_http_tlsrpt_zone->sh->owners,
                                         owner->hash);
    owner->next = *bucket;
    *bucket = owner;

    return owner;
}


static void
ngx_http_tlsrpt_zone_link(ngx_http_tlsrpt_entry_t *entry)
{
    void                     **bucket;
    ngx_http_tlsrpt_claim_t   *claim;

    for (claim = entry->claims; claim; claim = claim->next) {
        claim->entry = entry;
        claim->hash = ngx_http_tlsrpt_zone_hash(claim->token, claim->len);

        bucket = ngx_http_tlsrpt_zone_bucket(
                     &ngx_http_tlsrpt_zone->sh->tokens, claim->hash);

        claim->next_token = *bucket;
        *bucket = claim;
    }
}


/* Those that are linked, and those that are not yet. */

static void
ngx_http_tlsrpt_zone_drop_claims(ngx_http_tlsrpt_claim_t *claim)
{
    ngx_http_tlsrpt_claim_t  **p, *next;

    for ( /* void */ ; claim; claim = next) {
        next = claim->next;

        if (claim->entry) {
            p = (ngx_http_tlsrpt_claim_t **) ngx_http_tlsrpt_zone_bucket(
                    &ngx_http_tlsrpt_zone->sh->tokens, claim->hash);

            while (*p != claim) {
                p = &(*p)->next_token;
            }

            *p = claim->next_token;
        }

        if (claim->owner) {
            ngx_http_tlsrpt_zone_disown(claim);
        }

        ngx_slab_free_locked(ngx_http_tlsrpt_zone->shpool, claim);
    }
}


static void
ngx_http_tlsrpt_zone_disown(ngx_http_tlsrpt_claim_t *claim)
{
    ngx_http_tlsrpt_owner_t  **p, *owner;

    owner = claim->owner;

    *claim->prev_owned = claim->next_owned;

    if (claim->next_owned) {
        claim->next_owned->prev_owned = claim->prev_owned;
    }

    if (--owner->nclaims) {
        return;
    }

    p = (ngx_http_tlsrpt_owner_t **)
            ngx_http_tlsrpt_zone_bucket(&ngx_http_tlsrpt_zone->sh->owners,
                                        owner->hash);

    while (*p != owner) {
        p = &(*p)->next;
    }

    *p = owner->next;

    ngx_slab_free_locked(ngx_http_tlsrpt_zone->shpool, owner);
}
