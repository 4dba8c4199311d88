/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_mta_sts_table.h"


#define NGX_HTTP_MTA_STS_BLOCK  (256 * 1024)
#define NGX_HTTP_MTA_STS_TEXT   1024        /* longer ones are rare */


/* A text as it was read. */
typedef struct {
    ngx_str_node_t               sn;        /* by the text */
    ngx_http_mta_sts_text_t     *placed;    /* where it is served from */
    ngx_http_mta_sts_text_t      text;
} ngx_http_mta_sts_node_t;

/* A policy as it was read, and where it is configured. */
typedef struct ngx_http_mta_sts_entry_s  ngx_http_mta_sts_entry_t;

struct ngx_http_mta_sts_entry_s {
    ngx_str_t                    domain;
    ngx_http_mta_sts_node_t     *node;
    ngx_http_mta_sts_entry_t    *next;      /* of its bucket */
    u_char                      *file;
    ngx_uint_t                   line;
};

static void ngx_http_mta_sts_destroy_pool(void *pool);
static ngx_http_mta_sts_node_t *ngx_http_mta_sts_node(
    ngx_http_mta_sts_main_conf_t *mmcf, const mta_sts_policy_t *policy);
static ngx_http_mta_sts_node_t *ngx_http_mta_sts_create_node(
    ngx_http_mta_sts_main_conf_t *mmcf, const mta_sts_policy_t *policy,
    ngx_str_t *text);
static ngx_uint_t ngx_http_mta_sts_same(ngx_str_t *a, ngx_str_t *b);
static ngx_int_t ngx_http_mta_sts_chain(ngx_http_mta_sts_entry_t **last,
    ngx_http_mta_sts_entry_t *entry);
static char *ngx_http_mta_sts_lay_out(ngx_conf_t *cf,
    ngx_http_mta_sts_main_conf_t *mmcf, ngx_http_mta_sts_entry_t **chains);
static u_char *ngx_http_mta_sts_place(u_char *p,
    ngx_http_mta_sts_entry_t *entry);
static char *ngx_http_mta_sts_duplicate(ngx_conf_t *cf,
    ngx_http_mta_sts_main_conf_t *mmcf, ngx_http_mta_sts_entry_t *entry);
static size_t ngx_http_mta_sts_size(size_t domain_len);
static size_t ngx_http_mta_sts_text_size(ngx_http_mta_sts_text_t *text);
static ngx_http_mta_sts_policy_t *ngx_http_mta_sts_after(
    ngx_http_mta_sts_policy_t *policy);


/* Reading the configuration */

void *
ngx_http_mta_sts_table_create(ngx_conf_t *cf)
{
    ngx_pool_cleanup_t            *cln;
    ngx_http_mta_sts_main_conf_t  *mmcf;

    mmcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_mta_sts_main_conf_t));
    if (mmcf == NULL) {
        return NULL;
    }

    cln = ngx_pool_cleanup_add(cf->temp_pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    /* of large blocks: in the small holes that those of temp_pool leave, what
       requests allocate would be scattered over all the heap */

    mmcf->pool = ngx_create_pool(NGX_HTTP_MTA_STS_BLOCK, cf->log);
    if (mmcf->pool == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_mta_sts_destroy_pool;
    cln->data = mmcf->pool;

    mmcf->entries = ngx_array_create(cf->temp_pool, 16,
                                     sizeof(ngx_http_mta_sts_entry_t));
    if (mmcf->entries == NULL) {
        return NULL;
    }

    if (ngx_http_mta_sts_remarks_init(&mmcf->remarks, mmcf->pool) != NGX_OK) {
        return NULL;
    }

    ngx_rbtree_init(&mmcf->texts, &mmcf->sentinel, ngx_str_rbtree_insert_value);

    return mmcf;
}


static void
ngx_http_mta_sts_destroy_pool(void *pool)
{
    ngx_destroy_pool(pool);
}


char *
ngx_http_mta_sts_table_add(ngx_conf_t *cf,
    ngx_http_mta_sts_main_conf_t *mmcf, ngx_str_t *domain,
    const mta_sts_policy_t *policy)
{
    ngx_http_mta_sts_entry_t  *entry;

    entry = ngx_array_push(mmcf->entries);
    if (entry == NULL) {
        return NGX_CONF_ERROR;
    }

    entry->domain.len = domain->len;
    entry->domain.data = ngx_pstrdup(mmcf->pool, domain);
    entry->node = ngx_http_mta_sts_node(mmcf, policy);

    if (entry->domain.data == NULL || entry->node == NULL) {
        return NGX_CONF_ERROR;
    }

    mmcf->size += ngx_http_mta_sts_size(domain->len);

    entry->file = cf->conf_file->file.name.data;
    entry->line = cf->conf_file->line;
    entry->next = NULL;

    return NGX_CONF_OK;
}


/* The text as somebody has it already, or else a new one. */

static ngx_http_mta_sts_node_t *
ngx_http_mta_sts_node(ngx_http_mta_sts_main_conf_t *mmcf,
    const mta_sts_policy_t *policy)
{
    u_char                    buffer[NGX_HTTP_MTA_STS_TEXT];
    uint32_t                  hash;
    ngx_str_t                 text;
    ngx_http_mta_sts_node_t  *node;

    text.len = mta_sts_policy_text(policy, NULL, 0);
    text.data = buffer;

    if (text.len > sizeof(buffer)) {
        text.data = ngx_pnalloc(mmcf->pool, text.len);
        if (text.data == NULL) {
            return NULL;
        }
    }

    (void) mta_sts_policy_text(policy, (char *) text.data, text.len);

    hash = ngx_murmur_hash2(text.data, text.len);

    node = (ngx_http_mta_sts_node_t *)
               ngx_str_rbtree_lookup(&mmcf->texts, &text, hash);
    if (node) {
        return node;
    }

    node = ngx_http_mta_sts_create_node(mmcf, policy, &text);
    if (node) {
        node->sn.node.key = hash;
        ngx_rbtree_insert(&mmcf->texts, &node->sn.node);
    }

    return node;
}


static ngx_http_mta_sts_node_t *
ngx_http_mta_sts_create_node(ngx_http_mta_sts_main_conf_t *mmcf,
    const mta_sts_policy_t *policy, ngx_str_t *text)
{
    char                      id[MTA_STS_ID_LEN + 1];
    size_t                    size;
    ngx_http_mta_sts_node_t  *node;
    ngx_http_mta_sts_text_t   fixed;

    mta_sts_policy_id(policy, id);

    fixed.len = text->len;
    fixed.id_len = ngx_strlen(id);
    fixed.mode = policy->mode;

    size = ngx_http_mta_sts_text_size(&fixed);

    node = ngx_palloc(mmcf->pool,
                      offsetof(ngx_http_mta_sts_node_t, text) + size);
    if (node == NULL) {
        return NULL;
    }

    node->text = fixed;
    node->placed = NULL;

    ngx_memcpy(ngx_cpymem(node->text.data, text->data, text->len), id,
               fixed.id_len);

    node->sn.str.len = text->len;
    node->sn.str.data = node->text.data;

    mmcf->size += size;

    return node;
}


/* The configuration is read */

char *
ngx_http_mta_sts_table_init(ngx_conf_t *cf,
    ngx_http_mta_sts_main_conf_t *mmcf)
{
    char                       *rv;
    uint32_t                    hash;
    ngx_uint_t                  i, size;
    ngx_http_mta_sts_entry_t   *entry, **chains;

    entry = mmcf->entries->elts;

    /* one policy in a bucket, where there is any: each one more in front of
       that which is asked for is one more miss of the cache */

    for (size = 1; size < 2 * mmcf->entries->nelts; size *= 2) { /* void */ }

    mmcf->mask = size - 1;

    chains = ngx_pcalloc(mmcf->pool,
                         size * sizeof(ngx_http_mta_sts_entry_t *));
    if (chains == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 0; i < mmcf->entries->nelts; i++) {

        hash = ngx_murmur_hash2(entry[i].domain.data, entry[i].domain.len);

        if (ngx_http_mta_sts_chain(&chains[hash & mmcf->mask], &entry[i])
            != NGX_OK)
        {
            return ngx_http_mta_sts_duplicate(cf, mmcf, &entry[i]);
        }
    }

    rv = ngx_http_mta_sts_lay_out(cf, mmcf, chains);

    mmcf->pool = NULL;
    mmcf->entries = NULL;
    mmcf->buffer = NULL;

    return rv;
}


/* Appends the entry; NGX_DECLINED: its domain is there. */

static ngx_int_t
ngx_http_mta_sts_chain(ngx_http_mta_sts_entry_t **last,
    ngx_http_mta_sts_entry_t *entry)
{
    for ( /* void */ ; *last; last = &(*last)->next) {
        if (ngx_http_mta_sts_same(&(*last)->domain, &entry->domain)) {
            return NGX_DECLINED;
        }
    }

    *last = entry;

    return NGX_OK;
}


static ngx_uint_t
ngx_http_mta_sts_same(ngx_str_t *a, ngx_str_t *b)
{
    return a->len == b->len && ngx_memcmp(a->data, b->data, a->len) == 0;
}


static char *
ngx_http_mta_sts_lay_out(ngx_conf_t *cf, ngx_http_mta_sts_main_conf_t *mmcf,
    ngx_http_mta_sts_entry_t **chains)
{
    u_char                    *p;
    ngx_uint_t                 i;
    ngx_http_mta_sts_entry_t  *entry;

    mmcf->buckets = ngx_palloc(cf->pool,
                               (mmcf->mask + 2)
                               * sizeof(ngx_http_mta_sts_policy_t *));
    p = ngx_palloc(cf->pool, mmcf->size);

    if (mmcf->buckets == NULL || p == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 0; i <= mmcf->mask; i++) {
        mmcf->buckets[i] = (ngx_http_mta_sts_policy_t *) p;

        for (entry = chains[i]; entry; entry = entry->next) {
            p = ngx_http_mta_sts_place(p, entry);
        }
    }

    mmcf->buckets[i] = (ngx_http_mta_sts_policy_t *) p;

    return NGX_CONF_OK;
}


static u_char *
ngx_http_mta_sts_place(u_char *p, ngx_http_mta_sts_entry_t *entry)
{
    size_t                      size;
    ngx_http_mta_sts_node_t    *node;
    ngx_http_mta_sts_policy_t  *policy;

    policy = (ngx_http_mta_sts_policy_t *) p;

    policy->domain_len = entry->domain.len;
    ngx_memcpy(policy->domain, entry->domain.data, entry->domain.len);

    p += ngx_http_mta_sts_size(policy->domain_len);

    node = entry->node;

    if (node->placed == NULL) {
        size = ngx_http_mta_sts_text_size(&node->text);
        node->placed = (ngx_http_mta_sts_text_t *) p;
        p = ngx_cpymem(p, &node->text, size);
    }

    policy->text = node->placed;

    return p;
}


/* Says where the domain was given before the entry, and where the entry is. */

static char *
ngx_http_mta_sts_duplicate(ngx_conf_t *cf, ngx_http_mta_sts_main_conf_t *mmcf,
    ngx_http_mta_sts_entry_t *entry)
{
    ngx_conf_file_t            file, *conf_file;
    ngx_http_mta_sts_entry_t  *first;

    first = mmcf->entries->elts;

    while (!ngx_http_mta_sts_same(&first->domain, &entry->domain)) {
        first++;
    }

    ngx_memzero(&file, sizeof(ngx_conf_file_t));

    file.file.name.data = entry->file;
    file.line = entry->line;

    conf_file = cf->conf_file;
    cf->conf_file = &file;

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "MTA-STS policy of \"%V\" is given twice, first in "
                       "%s:%ui and again",
                       &entry->domain, first->file, first->line);

    cf->conf_file = conf_file;

    return NGX_CONF_ERROR;
}


/* Answering */

ngx_http_mta_sts_policy_t *
ngx_http_mta_sts_find(ngx_http_mta_sts_main_conf_t *mmcf, u_char *name,
    size_t len)
{
    ngx_http_mta_sts_policy_t  *policy, **bucket;

    bucket = &mmcf->buckets[ngx_murmur_hash2(name, len) & mmcf->mask];

    for (policy = bucket[0];
         policy != bucket[1];
         policy = ngx_http_mta_sts_after(policy))
    {
        if (policy->domain_len == len
            && ngx_memcmp(policy->domain, name, len) == 0)
        {
            return policy;
        }
    }

    return NULL;
}


ngx_http_mta_sts_policy_t *
ngx_http_mta_sts_next(ngx_http_mta_sts_main_conf_t *mmcf,
    ngx_http_mta_sts_policy_t *policy)
{
    policy = policy ? ngx_http_mta_sts_after(policy) : mmcf->buckets[0];

    return policy != mmcf->buckets[mmcf->mask + 1] ? policy : NULL;
}


static ngx_http_mta_sts_policy_t *
ngx_http_mta_sts_after(ngx_http_mta_sts_policy_t *policy)
{
    u_char  *p;

    p = (u_char *) policy + ngx_http_mta_sts_size(policy->domain_len);

    if (p == (u_char *) policy->text) {
        p += ngx_http_mta_sts_text_size(policy->text);
    }

    return (ngx_http_mta_sts_policy_t *) p;
}


/* Rounded up, so that what lies behind it is aligned. */

static size_t
ngx_http_mta_sts_size(size_t domain_len)
{
    return ngx_align(offsetof(ngx_http_mta_sts_policy_t, domain) + domain_len,
                     NGX_ALIGNMENT);
}


static size_t
ngx_http_mta_sts_text_size(ngx_http_mta_sts_text_t *text)
{
    return ngx_align(offsetof(ngx_http_mta_sts_text_t, data) + text->len
                     + text->id_len,
                     NGX_ALIGNMENT);
}
