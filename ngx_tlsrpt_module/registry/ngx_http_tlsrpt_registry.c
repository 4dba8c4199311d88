/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The directive, and what is asked of the zone.
 */

#include "ngx_http_tlsrpt_registry_dump.h"
#include "ngx_http_tlsrpt_registry_poll.h"
#include "ngx_http_tlsrpt_registry_zone.h"


#define NGX_HTTP_TLSRPT_ZONE_NAME_DEFAULT  "tlsrpt"
#define NGX_HTTP_TLSRPT_ZONE_SIZE          (64 * 1024 * 1024)
#define NGX_HTTP_TLSRPT_ZONE_LEAST         (16 * ngx_pagesize)

/* An enrolment takes a place of some of these sizes, each of a page of its own
   where there is no other; so many are kept for it. */
#define NGX_HTTP_TLSRPT_ROOM               8


static char *ngx_http_tlsrpt_registry_zone(ngx_conf_t *cf,
    ngx_http_tlsrpt_registry_conf_t *rcf, ngx_str_t *value);
static ngx_int_t ngx_http_tlsrpt_registry_file(ngx_conf_t *cf,
    ngx_http_tlsrpt_registry_conf_t *rcf);
static ngx_int_t ngx_http_tlsrpt_registry_unknown(void);
static ngx_int_t ngx_http_tlsrpt_registry_copy(ngx_http_tlsrpt_claim_t *claim,
    ngx_pool_t *pool, ngx_http_tlsrpt_registered_t *found);
static ngx_uint_t ngx_http_tlsrpt_registry_is_of(
    ngx_http_tlsrpt_entry_t *entry, const ngx_str_t *owner);
static ngx_int_t ngx_http_tlsrpt_registry_copy_text(
    ngx_http_tlsrpt_text_t *text, ngx_pool_t *pool,
    ngx_http_tlsrpt_registry_policy_t *found);
static ngx_int_t ngx_http_tlsrpt_registry_list(ngx_array_t *found,
    ngx_http_tlsrpt_claim_t *claim);
static int ngx_libc_cdecl ngx_http_tlsrpt_registry_compare(const void *one,
    const void *two);


const ngx_str_t  ngx_http_tlsrpt_states[NGX_HTTP_TLSRPT_NSTATES] = {
    ngx_string("pending"),
    ngx_string("active"),
    ngx_string("leaving")
};


/* The directive */

char *
ngx_http_tlsrpt_registry(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char  *p = conf;

    char                             *rv;
    ngx_str_t                        *value, file;
    ngx_uint_t                        i;
    ngx_http_tlsrpt_registry_conf_t  *rcf;

    rcf = (ngx_http_tlsrpt_registry_conf_t *) (p + cmd->offset);

    if (rcf->given) {
        return "is duplicate";
    }

    rcf->given = 1;

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        return cf->args->nelts == 2 ? NGX_CONF_OK
                                    : "has parameters although it is off";
    }

    if (ngx_strcmp(value[1].data, "on") != 0) {
        return "must be \"on\" or \"off\"";
    }

    rcf->on = 1;

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "zone=", 5) == 0 && !rcf->name.len) {
            rv = ngx_http_tlsrpt_registry_zone(cf, rcf, &value[i]);

            if (rv != NGX_CONF_OK) {
                return rv;
            }

            continue;
        }

        if (ngx_strncmp(value[i].data, "file=", 5) == 0
            && value[i].len > 5 && !rcf->file.len)
        {
            file.data = value[i].data + 5;
            file.len = value[i].len - 5;

            if (ngx_conf_full_name(cf->cycle, &file, 0) != NGX_OK) {
                return NGX_CONF_ERROR;
            }

            rcf->file = file;
            continue;
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\", it must be "
                           "\"zone=NAME:SIZE\" or \"file=PATH\", each once",
                           &value[i]);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_tlsrpt_registry_zone(ngx_conf_t *cf,
    ngx_http_tlsrpt_registry_conf_t *rcf, ngx_str_t *value)
{
    u_char     *colon;
    ssize_t     size;
    ngx_str_t   s;

    rcf->name.data = value->data + 5;
    colon = (u_char *) ngx_strchr(rcf->name.data, ':');

    if (colon == NULL || colon == rcf->name.data) {
        return "needs \"zone=NAME:SIZE\"";
    }

    rcf->name.len = (size_t) (colon - rcf->name.data);

    s.data = colon + 1;
    s.len = (size_t) (value->data + value->len - s.data);

    size = ngx_parse_size(&s);

    if (size == NGX_ERROR || size < (ssize_t) NGX_HTTP_TLSRPT_ZONE_LEAST) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the size of \"%V\" must be one as in \"64m\", and "
                           "at least %uz bytes", value,
                           (size_t) NGX_HTTP_TLSRPT_ZONE_LEAST);
        return NGX_CONF_ERROR;
    }

    rcf->size = (size_t) size;

    return NGX_CONF_OK;
}


char *
ngx_http_tlsrpt_registry_init(ngx_conf_t *cf,
    ngx_http_tlsrpt_registry_conf_t *rcf)
{
    ngx_http_tlsrpt_registry_zone_t  *zone;

    if (!rcf->on) {
        return NGX_CONF_OK;
    }

    if (rcf->name.len == 0) {
        ngx_str_set(&rcf->name, NGX_HTTP_TLSRPT_ZONE_NAME_DEFAULT);
        rcf->size = NGX_HTTP_TLSRPT_ZONE_SIZE;
    }

    if (rcf->file.len == 0
        && ngx_http_tlsrpt_registry_file(cf, rcf) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    rcf->zone = ngx_shared_memory_add(cf, &rcf->name, rcf->size,
                                      &ngx_http_core_module);
    if (rcf->zone == NULL) {
        return NGX_CONF_ERROR;
    }

    zone = ngx_pcalloc(cf->pool, sizeof(ngx_http_tlsrpt_registry_zone_t));
    if (zone == NULL) {
        return NGX_CONF_ERROR;
    }

    rcf->zone->init = ngx_http_tlsrpt_zone_init;
    rcf->zone->data = zone;

    return NGX_CONF_OK;
}


/* "tlsrpt/registry" beside where the bodies of requests go; the folder is made,
   for the workers' user, as nginx makes its own. */

static ngx_int_t
ngx_http_tlsrpt_registry_file(ngx_conf_t *cf,
    ngx_http_tlsrpt_registry_conf_t *rcf)
{
    u_char                    *p;
    ngx_str_t                  beside;
    ngx_path_t                *path;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->client_body_temp_path) {
        beside = clcf->client_body_temp_path->name;

    } else {
        ngx_str_set(&beside, NGX_HTTP_CLIENT_TEMP_PATH);

        if (ngx_conf_full_name(cf->cycle, &beside, 0) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    while (beside.len && beside.data[beside.len - 1] == '/') {
        beside.len--;
    }

    while (beside.len && beside.data[beside.len - 1] != '/') {
        beside.len--;
    }

    path = ngx_pcalloc(cf->pool, sizeof(ngx_path_t));
    p = ngx_pnalloc(cf->pool, 2 * beside.len
                              + sizeof("tlsrpt") + sizeof("tlsrpt/registry"));
    if (path == NULL || p == NULL) {
        return NGX_ERROR;
    }

    path->name.data = p;
    p = ngx_sprintf(p, "%Vtlsrpt%Z", &beside);
    path->name.len = (size_t) (p - path->name.data) - 1;
    path->conf_file = cf->conf_file->file.name.data;
    path->line = cf->conf_file->line;

    rcf->file.data = p;
    p = ngx_sprintf(p, "%Vtlsrpt/registry%Z", &beside);
    rcf->file.len = (size_t) (p - rcf->file.data) - 1;

    return ngx_add_path(cf, &path);
}


ngx_int_t
ngx_http_tlsrpt_registry_open(ngx_cycle_t *cycle,
    ngx_http_tlsrpt_registry_conf_t *rcf)
{
    ngx_http_tlsrpt_zone = rcf && rcf->zone ? rcf->zone->data : NULL;

    if (ngx_http_tlsrpt_zone == NULL || ngx_test_config
        || ngx_http_tlsrpt_zone->sh->opened)
    {
        return NGX_OK;
    }

    ngx_http_tlsrpt_zone->sh->opened = 1;

    ngx_http_tlsrpt_dump_read(&rcf->file, cycle->log);

    return NGX_OK;
}


void
ngx_http_tlsrpt_registry_begin(ngx_http_tlsrpt_registry_conf_t *rcf,
    ngx_http_tlsrpt_redis_t *client, ngx_str_t *prefix,
    ngx_http_tlsrpt_registry_seen_pt seen)
{
    if (ngx_http_tlsrpt_zone) {
        ngx_http_tlsrpt_poll_begin(client, prefix, &rcf->file, seen);
    }
}


void
ngx_http_tlsrpt_registry_end(void)
{
    if (ngx_http_tlsrpt_zone) {
        ngx_http_tlsrpt_poll_end();
    }
}


/* Looking up */

ngx_uint_t
ngx_http_tlsrpt_registry_on(void)
{
    return ngx_http_tlsrpt_zone != NULL;
}


/* With the lock held: what is not there, is it not in Redis either? */

static ngx_int_t
ngx_http_tlsrpt_registry_unknown(void)
{
    ngx_http_tlsrpt_registry_sh_t  *sh;

    sh = ngx_http_tlsrpt_zone->sh;

    return sh->loaded && !sh->full ? NGX_DECLINED : NGX_AGAIN;
}


ngx_int_t
ngx_http_tlsrpt_registry_find(const ngx_str_t *domain, ngx_pool_t *pool,
    ngx_http_tlsrpt_registered_t *found)
{
    uint32_t                  hash;
    ngx_int_t                 rc;
    ngx_http_tlsrpt_entry_t  *entry;

    if (ngx_http_tlsrpt_zone == NULL) {
        return NGX_DECLINED;
    }

    hash = ngx_http_tlsrpt_zone_hash(domain->data, domain->len);

    ngx_http_tlsrpt_zone_lock();

    entry = ngx_http_tlsrpt_zone_find(domain, hash);

    if (entry == NULL) {
        rc = ngx_http_tlsrpt_registry_unknown();

    } else if (!ngx_http_tlsrpt_zone_held(entry)) {
        rc = NGX_DECLINED;

    } else {
        rc = ngx_http_tlsrpt_registry_copy(entry->claims, pool, found);
    }

    ngx_http_tlsrpt_zone_unlock();

    return rc;
}


ngx_int_t
ngx_http_tlsrpt_registry_owner_has(const ngx_str_t *domain,
    const ngx_str_t *owner, ngx_pool_t *pool,
    ngx_http_tlsrpt_registered_t *found)
{
    uint32_t                  hash;
    ngx_int_t                 rc;
    ngx_http_tlsrpt_entry_t  *entry;
    ngx_http_tlsrpt_owner_t  *known;
    ngx_http_tlsrpt_claim_t  *claim;

    if (ngx_http_tlsrpt_zone == NULL) {
        return NGX_DECLINED;
    }

    hash = ngx_http_tlsrpt_zone_hash(domain->data, domain->len);

    ngx_http_tlsrpt_zone_lock();

    entry = ngx_http_tlsrpt_zone_find(domain, hash);

    if (entry == NULL) {
        rc = ngx_http_tlsrpt_registry_unknown();
        goto done;
    }

    rc = NGX_DECLINED;

    known = owner->len ? ngx_http_tlsrpt_zone_owner(owner) : NULL;

    if (owner->len && known == NULL) {
        goto done;
    }

    for (claim = entry->claims; claim; claim = claim->next) {
        if (claim->owner == known && ngx_http_tlsrpt_zone_counts(claim)) {
            rc = ngx_http_tlsrpt_registry_copy(claim, pool, found);
            break;
        }
    }

done:

    ngx_http_tlsrpt_zone_unlock();

    return rc;
}


ngx_int_t
ngx_http_tlsrpt_registry_by_token(const ngx_str_t *token, ngx_pool_t *pool,
    ngx_http_tlsrpt_registered_t *found)
{
    ngx_int_t                 rc;
    ngx_http_tlsrpt_claim_t  *claim;

    if (ngx_http_tlsrpt_zone == NULL) {
        return NGX_DECLINED;
    }

    ngx_http_tlsrpt_zone_lock();

    claim = ngx_http_tlsrpt_zone_token(token);

    if (claim == NULL) {
        rc = ngx_http_tlsrpt_registry_unknown();

    } else if (!ngx_http_tlsrpt_zone_counts(claim)) {
        rc = NGX_DECLINED;

    } else {
        rc = ngx_http_tlsrpt_registry_copy(claim, pool, found);
    }

    ngx_http_tlsrpt_zone_unlock();

    return rc;
}


static ngx_int_t
ngx_http_tlsrpt_registry_copy(ngx_http_tlsrpt_claim_t *claim,
    ngx_pool_t *pool, ngx_http_tlsrpt_registered_t *found)
{
    u_char                   *p;
    ngx_http_tlsrpt_entry_t  *entry;
    ngx_http_tlsrpt_owner_t  *owner;

    entry = claim->entry;
    owner = claim->owner;

    p = ngx_pnalloc(pool, entry->len + claim->len + (owner ? owner->len : 0));
    if (p == NULL) {
        return NGX_ERROR;
    }

    found->name.data = p;
    found->name.len = entry->len;
    p = ngx_cpymem(p, entry->name, entry->len);

    found->token.data = p;
    found->token.len = claim->len;
    p = ngx_cpymem(p, claim->token, claim->len);

    found->owner.data = p;
    found->owner.len = owner ? owner->len : 0;
    ngx_memcpy(p, owner ? owner->name : p, found->owner.len);

    found->state = claim->state;
    found->proved = claim->proved;

    return NGX_OK;
}


ngx_int_t
ngx_http_tlsrpt_registry_policy(const ngx_str_t *domain,
    const ngx_str_t *owner, ngx_pool_t *pool,
    ngx_http_tlsrpt_registry_policy_t *found)
{
    uint32_t                         hash;
    ngx_int_t                        rc;
    ngx_http_tlsrpt_entry_t         *entry;
    ngx_http_tlsrpt_registry_sh_t   *sh;

    if (ngx_http_tlsrpt_zone == NULL) {
        return NGX_DECLINED;
    }

    sh = ngx_http_tlsrpt_zone->sh;

    hash = ngx_http_tlsrpt_zone_hash(domain->data, domain->len);

    /* it comes into the cache while the lock is taken */

    __builtin_prefetch(&sh->names.buckets[hash & sh->names.mask]);

    ngx_http_tlsrpt_zone_lock();

    entry = ngx_http_tlsrpt_zone_find(domain, hash);

    if (entry == NULL) {
        rc = ngx_http_tlsrpt_registry_unknown();

    } else if (entry->text == NULL || !ngx_http_tlsrpt_zone_live(entry)
               || (entry->until
                   && entry->until <= ngx_http_tlsrpt_zone_now()))
    {
        rc = NGX_DECLINED;

    } else if (owner && !ngx_http_tlsrpt_registry_is_of(entry, owner)) {
        rc = NGX_AGAIN;

    } else {
        rc = ngx_http_tlsrpt_registry_copy_text(entry->text, pool, found);
    }

    ngx_http_tlsrpt_zone_unlock();

    return rc;
}


static ngx_uint_t
ngx_http_tlsrpt_registry_is_of(ngx_http_tlsrpt_entry_t *entry,
    const ngx_str_t *owner)
{
    ngx_http_tlsrpt_owner_t  *holder;

    holder = entry->claims->owner;

    return holder ? holder->len == owner->len
                    && ngx_memcmp(holder->name, owner->data, owner->len) == 0
                  : owner->len == 0;
}


static ngx_int_t
ngx_http_tlsrpt_registry_copy_text(ngx_http_tlsrpt_text_t *text,
    ngx_pool_t *pool, ngx_http_tlsrpt_registry_policy_t *found)
{
    u_char  *p;

    p = ngx_pnalloc(pool, text->len + text->id_len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, text->data, text->len + text->id_len);
    ngx_memzero(found, sizeof(ngx_http_tlsrpt_registry_policy_t));

    if (text->mode == NGX_HTTP_TLSRPT_SAME_AS) {
        found->same_as.len = text->len;
        found->same_as.data = p;
        found->same_owner.len = text->id_len;
        found->same_owner.data = p + text->len;
        return NGX_OK;
    }

    found->text.len = text->len;
    found->text.data = p;
    found->id.len = text->id_len;
    found->id.data = p + text->len;
    found->mode = text->mode;

    return NGX_OK;
}


/* Lists */

ngx_int_t
ngx_http_tlsrpt_registry_owned(const ngx_str_t *owner, ngx_array_t *found)
{
    ngx_int_t                 rc;
    ngx_http_tlsrpt_owner_t  *known;
    ngx_http_tlsrpt_claim_t  *claim;

    if (ngx_http_tlsrpt_zone == NULL || owner->len == 0) {
        return NGX_OK;
    }

    rc = NGX_OK;

    ngx_http_tlsrpt_zone_lock();

    known = ngx_http_tlsrpt_zone_owner(owner);

    for (claim = known ? known->claims : NULL;
         claim && rc == NGX_OK;
         claim = claim->next_owned)
    {
        if (ngx_http_tlsrpt_zone_counts(claim)) {
            rc = ngx_http_tlsrpt_registry_list(found, claim);
        }
    }

    ngx_http_tlsrpt_zone_unlock();

    ngx_qsort(found->elts, found->nelts, sizeof(ngx_http_tlsrpt_registered_t),
              ngx_http_tlsrpt_registry_compare);

    return rc;
}


ngx_int_t
ngx_http_tlsrpt_registry_next(const ngx_str_t *after, ngx_uint_t most,
    ngx_array_t *found)
{
    ngx_int_t                 rc;
    ngx_http_tlsrpt_entry_t  *entry;

    if (ngx_http_tlsrpt_zone == NULL) {
        return NGX_OK;
    }

    rc = NGX_OK;

    ngx_http_tlsrpt_zone_lock();

    for (entry = ngx_http_tlsrpt_zone_after(after);
         entry && found->nelts < most && rc == NGX_OK;
         entry = ngx_http_tlsrpt_zone_next(entry))
    {
        if (ngx_http_tlsrpt_zone_held(entry)) {
            rc = ngx_http_tlsrpt_registry_list(found, entry->claims);
        }
    }

    ngx_http_tlsrpt_zone_unlock();

    return rc;
}


static ngx_int_t
ngx_http_tlsrpt_registry_list(ngx_array_t *found,
    ngx_http_tlsrpt_claim_t *claim)
{
    ngx_http_tlsrpt_registered_t  *registered;

    registered = ngx_array_push(found);
    if (registered == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_tlsrpt_registry_copy(claim, found->pool, registered)
        != NGX_OK)
    {
        found->nelts--;
        return NGX_ERROR;
    }

    return NGX_OK;
}


static int ngx_libc_cdecl
ngx_http_tlsrpt_registry_compare(const void *one, const void *two)
{
    const ngx_http_tlsrpt_registered_t  *a = one, *b = two;

    return (int) ngx_memn2cmp(a->name.data, b->name.data, a->name.len,
                              b->name.len);
}


/* How it is */

ngx_uint_t
ngx_http_tlsrpt_registry_polls(void)
{
    return ngx_http_tlsrpt_zone
           && ngx_http_tlsrpt_zone->sh->poller == ngx_pid
           && ngx_http_tlsrpt_zone->sh->lease > ngx_time();
}


ngx_uint_t
ngx_http_tlsrpt_registry_has_room(void)
{
    return ngx_http_tlsrpt_zone == NULL
           || (!ngx_http_tlsrpt_zone->sh->full
               && ngx_http_tlsrpt_zone->shpool->pfree >= NGX_HTTP_TLSRPT_ROOM);
}


ngx_int_t
ngx_http_tlsrpt_registry_status(ngx_http_tlsrpt_registry_status_t *status)
{
    ngx_slab_pool_t                *shpool;
    ngx_http_tlsrpt_registry_sh_t  *sh;

    if (ngx_http_tlsrpt_zone == NULL) {
        return NGX_DECLINED;
    }

    sh = ngx_http_tlsrpt_zone->sh;
    shpool = ngx_http_tlsrpt_zone->shpool;

    ngx_http_tlsrpt_zone_lock();

    status->loaded = sh->loaded;
    status->full = sh->full;
    ngx_memcpy(status->domains, sh->domains, sizeof(sh->domains));
    status->size = ngx_http_tlsrpt_zone->size;
    status->used = status->size - shpool->pfree * ngx_pagesize;

    ngx_http_tlsrpt_zone_unlock();

    return NGX_OK;
}
