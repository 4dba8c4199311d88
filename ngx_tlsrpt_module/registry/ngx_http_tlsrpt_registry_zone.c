/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_registry_zone.h"


/* A domain takes a few hundred bytes, so that there are about as many buckets
   as domains fit; texts and owners are fewer. */
#define NGX_HTTP_TLSRPT_ZONE_NAME   256
#define NGX_HTTP_TLSRPT_ZONE_OTHER  1024


static ngx_int_t ngx_http_tlsrpt_zone_create(
    ngx_http_tlsrpt_registry_zone_t *zone);
static ngx_int_t ngx_http_tlsrpt_zone_table(
    ngx_http_tlsrpt_registry_zone_t *zone, ngx_http_tlsrpt_table_t *table,
    size_t each);
static ngx_int_t ngx_http_tlsrpt_zone_order(ngx_rbtree_key_t key,
    const u_char *name, size_t len, ngx_rbtree_node_t *node);
static ngx_http_tlsrpt_entry_t *ngx_http_tlsrpt_zone_entry(
    ngx_rbtree_node_t *node);
static void ngx_http_tlsrpt_zone_insert(ngx_rbtree_node_t *temp,
    ngx_rbtree_node_t *node, ngx_rbtree_node_t *sentinel);
static ngx_uint_t ngx_http_tlsrpt_zone_equal(const u_char *one,
    const u_char *two, size_t len);


ngx_http_tlsrpt_registry_zone_t  *ngx_http_tlsrpt_zone;


/* Making it */

ngx_int_t
ngx_http_tlsrpt_zone_init(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_http_tlsrpt_registry_zone_t *old = data;

    ngx_http_tlsrpt_registry_zone_t  *zone;

    zone = shm_zone->data;

    zone->shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;
    zone->size = shm_zone->shm.size;

    if (old) {
        zone->sh = old->sh;
        return NGX_OK;
    }

    if (shm_zone->shm.exists) {
        zone->sh = zone->shpool->data;
        return NGX_OK;
    }

    /* that it is full we say in words of our own, and once */
    zone->shpool->log_nomem = 0;

    return ngx_http_tlsrpt_zone_create(zone);
}


static ngx_int_t
ngx_http_tlsrpt_zone_create(ngx_http_tlsrpt_registry_zone_t *zone)
{
    ngx_http_tlsrpt_registry_sh_t  *sh;

    sh = ngx_slab_calloc(zone->shpool, sizeof(ngx_http_tlsrpt_registry_sh_t));
    if (sh == NULL) {
        return NGX_ERROR;
    }

    zone->sh = sh;
    zone->shpool->data = sh;

    sh->seed = tlsrpt_hash_seed(sh);

    ngx_rbtree_init(&sh->tree, &sh->sentinel, ngx_http_tlsrpt_zone_insert);

    if (ngx_http_tlsrpt_zone_table(zone, &sh->names,
                                   NGX_HTTP_TLSRPT_ZONE_NAME)
           != NGX_OK
        || ngx_http_tlsrpt_zone_table(zone, &sh->tokens,
                                      NGX_HTTP_TLSRPT_ZONE_NAME)
           != NGX_OK
        || ngx_http_tlsrpt_zone_table(zone, &sh->texts,
                                      NGX_HTTP_TLSRPT_ZONE_OTHER)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_tlsrpt_zone_table(zone, &sh->owners,
                                      NGX_HTTP_TLSRPT_ZONE_OTHER);
}


static ngx_int_t
ngx_http_tlsrpt_zone_table(ngx_http_tlsrpt_registry_zone_t *zone,
    ngx_http_tlsrpt_table_t *table, size_t each)
{
    ngx_uint_t  n;

    for (n = 16; n < zone->size / each; n *= 2) { /* void */ }

    table->mask = n - 1;
    table->buckets = ngx_slab_calloc(zone->shpool, n * sizeof(void *));

    return table->buckets ? NGX_OK : NGX_ERROR;
}


/* Searching */

void **
ngx_http_tlsrpt_zone_bucket(ngx_http_tlsrpt_table_t *table, uint32_t hash)
{
    return &table->buckets[hash & table->mask];
}


ngx_http_tlsrpt_entry_t *
ngx_http_tlsrpt_zone_find(const ngx_str_t *name, uint32_t hash)
{
    ngx_http_tlsrpt_entry_t  *entry;

    for (entry = *ngx_http_tlsrpt_zone_bucket(
                     &ngx_http_tlsrpt_zone->sh->names, hash);
         entry;
         entry = entry->next)
    {
        /* neither is in the cache: they come side by side */
        __builtin_prefetch(entry->name);

        if (entry->hash != hash) {
            continue;
        }

        __builtin_prefetch(entry->text);

        if (entry->len == name->len
            && ngx_memcmp(entry->name, name->data, name->len) == 0)
        {
            return entry;
        }
    }

    return NULL;
}


ngx_uint_t
ngx_http_tlsrpt_registry_holds(const ngx_str_t *domain)
{
    uint32_t                  hash;
    ngx_uint_t                held;
    ngx_http_tlsrpt_entry_t  *entry;

    if (ngx_http_tlsrpt_zone == NULL) {
        return 0;
    }

    hash = ngx_http_tlsrpt_zone_hash(domain->data, domain->len);

    ngx_http_tlsrpt_zone_lock();

    entry = ngx_http_tlsrpt_zone_find(domain, hash);
    held = entry && ngx_http_tlsrpt_zone_held(entry);

    ngx_http_tlsrpt_zone_unlock();

    return held;
}


ngx_http_tlsrpt_owner_t *
ngx_http_tlsrpt_zone_owner(const ngx_str_t *name)
{
    uint32_t                  hash;
    ngx_http_tlsrpt_owner_t  *owner;

    hash = ngx_http_tlsrpt_zone_hash(name->data, name->len);

    for (owner = *ngx_http_tlsrpt_zone_bucket(
                     &ngx_http_tlsrpt_zone->sh->owners, hash);
         owner;
         owner = owner->next)
    {
        if (owner->hash == hash && owner->len == name->len
            && ngx_memcmp(owner->name, name->data, name->len) == 0)
        {
            return owner;
        }
    }

    return NULL;
}


ngx_http_tlsrpt_claim_t *
ngx_http_tlsrpt_zone_token(const ngx_str_t *token)
{
    size_t                    len;
    u_char                    lower[NGX_HTTP_TLSRPT_TOKEN_LEN];
    uint32_t                  hash;
    ngx_http_tlsrpt_claim_t  *claim;

    len = ngx_http_tlsrpt_zone_lower(lower, token);

    if (len == 0) {
        return NULL;
    }

    hash = ngx_http_tlsrpt_zone_hash(lower, len);

    /* of the hash nothing can be learned: its seed is secret */

    for (claim = *ngx_http_tlsrpt_zone_bucket(
                     &ngx_http_tlsrpt_zone->sh->tokens, hash);
         claim;
         claim = claim->next_token)
    {
        if (claim->hash == hash && claim->len == len
            && ngx_http_tlsrpt_zone_equal(claim->token, lower, len))
        {
            return claim;
        }
    }

    return NULL;
}


size_t
ngx_http_tlsrpt_zone_lower(u_char *lower, const ngx_str_t *token)
{
    if (token->len > NGX_HTTP_TLSRPT_TOKEN_LEN) {
        return 0;
    }

    ngx_strlow(lower, token->data, token->len);

    return token->len;
}


static ngx_uint_t
ngx_http_tlsrpt_zone_equal(const u_char *one, const u_char *two, size_t len)
{
    size_t            i;
    volatile u_char   differ;

    differ = 0;

    for (i = 0; i < len; i++) {
        differ |= one[i] ^ two[i];
    }

    return differ == 0;
}


/* The order of names: bytewise, first by a number of their first bytes, so that
   a step of the tree is in one place of the memory. */

ngx_rbtree_key_t
ngx_http_tlsrpt_zone_key(const u_char *name, size_t len)
{
    size_t            i;
    ngx_rbtree_key_t  key;

    for (key = 0, i = 0; i < sizeof(ngx_rbtree_key_t); i++) {
        key = key << 8 | (i < len ? name[i] : 0);
    }

    return key;
}


static ngx_int_t
ngx_http_tlsrpt_zone_order(ngx_rbtree_key_t key, const u_char *name,
    size_t len, ngx_rbtree_node_t *node)
{
    ngx_http_tlsrpt_entry_t  *entry;

    if (key != node->key) {
        return key < node->key ? -1 : 1;
    }

    entry = ngx_http_tlsrpt_zone_entry(node);

    return ngx_memn2cmp((u_char *) name, entry->name, len, entry->len);
}


static ngx_http_tlsrpt_entry_t *
ngx_http_tlsrpt_zone_entry(ngx_rbtree_node_t *node)
{
    return (ngx_http_tlsrpt_entry_t *)
               ((u_char *) node - offsetof(ngx_http_tlsrpt_entry_t, node));
}


static void
ngx_http_tlsrpt_zone_insert(ngx_rbtree_node_t *temp, ngx_rbtree_node_t *node,
    ngx_rbtree_node_t *sentinel)
{
    ngx_rbtree_node_t        **p;
    ngx_http_tlsrpt_entry_t   *entry;

    entry = ngx_http_tlsrpt_zone_entry(node);

    for ( ;; ) {
        p = ngx_http_tlsrpt_zone_order(node->key, entry->name, entry->len,
                                       temp)
            < 0 ? &temp->left : &temp->right;

        if (*p == sentinel) {
            break;
        }

        temp = *p;
    }

    *p = node;
    node->parent = temp;
    node->left = sentinel;
    node->right = sentinel;
    ngx_rbt_red(node);
}


ngx_http_tlsrpt_entry_t *
ngx_http_tlsrpt_zone_after(const ngx_str_t *name)
{
    ngx_rbtree_key_t                key;
    ngx_rbtree_node_t              *node, *found;
    ngx_http_tlsrpt_registry_sh_t  *sh;

    sh = ngx_http_tlsrpt_zone->sh;

    key = ngx_http_tlsrpt_zone_key(name->data, name->len);
    node = sh->tree.root;
    found = NULL;

    while (node != &sh->sentinel) {
        if (ngx_http_tlsrpt_zone_order(key, name->data, name->len, node) < 0) {
            found = node;
            node = node->left;

        } else {
            node = node->right;
        }
    }

    return found ? ngx_http_tlsrpt_zone_entry(found) : NULL;
}


ngx_http_tlsrpt_entry_t *
ngx_http_tlsrpt_zone_next(ngx_http_tlsrpt_entry_t *entry)
{
    ngx_rbtree_node_t  *node;

    node = ngx_rbtree_next(&ngx_http_tlsrpt_zone->sh->tree, &entry->node);

    return node ? ngx_http_tlsrpt_zone_entry(node) : NULL;
}
