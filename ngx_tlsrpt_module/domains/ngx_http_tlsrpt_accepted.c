/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_mta_sts_module.h"
#include "ngx_http_tlsrpt_accepted.h"
#include "ngx_http_tlsrpt_module.h"
#include "ngx_http_tlsrpt_names.h"


#define NGX_HTTP_TLSRPT_MAX_TOKEN  128


static char *ngx_http_tlsrpt_domain_token(ngx_conf_t *cf,
    ngx_http_tlsrpt_domain_t *domain, ngx_str_t *value);
static ngx_int_t ngx_http_tlsrpt_add_name(ngx_conf_t *cf,
    ngx_http_tlsrpt_accepted_t *accepted, ngx_uint_t i);
static ngx_int_t ngx_http_tlsrpt_add_token(ngx_conf_t *cf,
    ngx_http_tlsrpt_accepted_t *accepted, ngx_uint_t i);
static int ngx_libc_cdecl ngx_http_tlsrpt_domain_cmp(const void *one,
    const void *two);
static ngx_int_t ngx_http_tlsrpt_hash_init(ngx_conf_t *cf,
    ngx_http_tlsrpt_hash_t *hash, ngx_uint_t n);
static ngx_int_t ngx_http_tlsrpt_accepted_names(ngx_cycle_t *cycle,
    ngx_http_tlsrpt_accepted_t *accepted);
static ngx_http_tlsrpt_domain_t *ngx_http_tlsrpt_domain_by_token(
    ngx_http_tlsrpt_accepted_t *accepted, const u_char *token, size_t len);
static ngx_http_tlsrpt_domain_t *ngx_http_tlsrpt_accepted_enrolled(
    ngx_pool_t *pool, ngx_http_tlsrpt_registered_t *enrolled);
static void ngx_http_tlsrpt_accepted_below(ngx_http_tlsrpt_domain_t *domain,
    const ngx_str_t *name, ngx_str_t *below);
static ngx_uint_t ngx_http_tlsrpt_accepted_policy(ngx_http_request_t *r,
    const ngx_str_t *name);
static uint32_t *ngx_http_tlsrpt_hash_name(ngx_http_tlsrpt_accepted_t *accepted,
    const u_char *name, size_t len);
static uint32_t *ngx_http_tlsrpt_hash_token(
    ngx_http_tlsrpt_accepted_t *accepted, const u_char *token, size_t len);
static ngx_uint_t ngx_http_tlsrpt_equal(const u_char *one, const u_char *two,
    size_t len);


char *
ngx_http_tlsrpt_domain(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_tlsrpt_main_conf_t  *tmcf = conf;

    char                       name[TLSRPT_DOMAIN_LEN + 1];
    size_t                     len;
    ngx_str_t                 *value, given;
    ngx_http_tlsrpt_domain_t  *domain;

    value = cf->args->elts;
    given = value[1];

    domain = ngx_array_push(&tmcf->accepted.domains);
    if (domain == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(domain, sizeof(ngx_http_tlsrpt_domain_t));

    domain->file = cf->conf_file->file.name;
    domain->line = cf->conf_file->line;

    if (given.len > 1 && given.data[0] == '.') {
        domain->subdomains = 1;
        given.data++;
        given.len--;
    }

    len = tlsrpt_domain_normalize((const char *) given.data, given.len, name);

    if (len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid domain \"%V\" in \"tlsrpt_domain\"",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    domain->name.len = len;
    domain->name.data = ngx_pnalloc(cf->pool, len);
    if (domain->name.data == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memcpy(domain->name.data, name, len);

    if (cf->args->nelts == 3) {
        return ngx_http_tlsrpt_domain_token(cf, domain, &value[2]);
    }

    return NGX_CONF_OK;
}


/* Unreserved characters (RFC 3986 2.3): a token is a segment of a URI. */

static char *
ngx_http_tlsrpt_domain_token(ngx_conf_t *cf, ngx_http_tlsrpt_domain_t *domain,
    ngx_str_t *value)
{
    size_t  i;
    u_char  c;

    if (ngx_strncmp(value->data, "token=", 6) != 0) {
        return "has an invalid parameter: only \"token=\" may follow the name";
    }

    domain->token.data = value->data + 6;
    domain->token.len = value->len - 6;

    for (i = 0; i < domain->token.len; i++) {
        c = domain->token.data[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
              || (c >= 'A' && c <= 'Z')
              || c == '-' || c == '.' || c == '_' || c == '~'))
        {
            break;
        }
    }

    if (i == 0 || i != domain->token.len || i > NGX_HTTP_TLSRPT_MAX_TOKEN
        || ngx_strncmp(domain->token.data, "..", i) == 0)
    {
        return "needs a token of letters, digits, \"-\", \".\", \"_\" and "
               "\"~\", up to 128 of them";
    }

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_tlsrpt_accepted_create(ngx_conf_t *cf,
    ngx_http_tlsrpt_accepted_t *accepted)
{
    return ngx_array_init(&accepted->domains, cf->pool, 4,
                          sizeof(ngx_http_tlsrpt_domain_t));
}


char *
ngx_http_tlsrpt_accepted_init(ngx_conf_t *cf,
    ngx_http_tlsrpt_accepted_t *accepted)
{
    ngx_uint_t                 i, n;
    ngx_http_tlsrpt_domain_t  *domains;

    n = accepted->domains.nelts;
    domains = accepted->domains.elts;

    if (ngx_http_tlsrpt_hash_init(cf, &accepted->names, n) != NGX_OK
        || ngx_http_tlsrpt_hash_init(cf, &accepted->tokens, n) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    ngx_qsort(domains, n, sizeof(ngx_http_tlsrpt_domain_t),
              ngx_http_tlsrpt_domain_cmp);

    for (i = 0; i < n; i++) {
        if (ngx_http_tlsrpt_add_name(cf, accepted, i) != NGX_OK
            || ngx_http_tlsrpt_add_token(cf, accepted, i) != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_tlsrpt_add_name(ngx_conf_t *cf, ngx_http_tlsrpt_accepted_t *accepted,
    ngx_uint_t i)
{
    uint32_t                  *slot;
    ngx_http_tlsrpt_domain_t  *domains, *first;

    domains = accepted->domains.elts;

    slot = ngx_http_tlsrpt_hash_name(accepted, domains[i].name.data,
                                     domains[i].name.len);
    if (*slot) {
        first = &domains[*slot - 1];
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "duplicate \"tlsrpt_domain\" \"%V\", the other is "
                      "in %V:%ui in %V:%ui", &domains[i].name,
                      &first->file, first->line,
                      &domains[i].file, domains[i].line);
        return NGX_ERROR;
    }

    *slot = (uint32_t) (i + 1);

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_add_token(ngx_conf_t *cf, ngx_http_tlsrpt_accepted_t *accepted,
    ngx_uint_t i)
{
    uint32_t                  *slot;
    ngx_http_tlsrpt_domain_t  *domains, *first;

    domains = accepted->domains.elts;

    if (domains[i].token.len == 0) {
        return NGX_OK;
    }

    slot = ngx_http_tlsrpt_hash_token(accepted, domains[i].token.data,
                                      domains[i].token.len);
    if (*slot) {
        first = &domains[*slot - 1];
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "the token of \"tlsrpt_domain\" \"%V\" is that of "
                      "\"%V\" in %V:%ui too in %V:%ui", &domains[i].name,
                      &first->name, &first->file, first->line,
                      &domains[i].file, domains[i].line);
        return NGX_ERROR;
    }

    *slot = (uint32_t) (i + 1);

    return NGX_OK;
}


/* By name, as Redis orders the index of domains; of equal ones in the order of
   the configuration, so that the later is the duplicate. */

static int ngx_libc_cdecl
ngx_http_tlsrpt_domain_cmp(const void *one, const void *two)
{
    ngx_int_t                        rc;
    const ngx_http_tlsrpt_domain_t  *a = one, *b = two;

    rc = ngx_memn2cmp(a->name.data, b->name.data, a->name.len, b->name.len);

    if (rc == 0) {
        rc = (a->line > b->line) - (a->line < b->line);
    }

    return (int) rc;
}


static ngx_int_t
ngx_http_tlsrpt_hash_init(ngx_conf_t *cf, ngx_http_tlsrpt_hash_t *hash,
    ngx_uint_t n)
{
    ngx_uint_t  size;

    for (size = 4; size < 2 * (n + 1); size *= 2) { /* void */ }

    hash->slots = ngx_pcalloc(cf->pool, size * sizeof(uint32_t));
    if (hash->slots == NULL) {
        return NGX_ERROR;
    }

    hash->mask = size - 1;

    return NGX_OK;
}


/* The list */

ngx_int_t
ngx_http_tlsrpt_accepted_list(ngx_cycle_t *cycle)
{
    ngx_http_tlsrpt_main_conf_t  *tmcf;

    tmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_tlsrpt_module);

    if (tmcf == NULL) {
        return NGX_OK;
    }

    if (ngx_array_init(&tmcf->accepted.list, cycle->pool,
                       tmcf->accepted.domains.nelts + 1, sizeof(ngx_str_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_tlsrpt_accepted_names(cycle, &tmcf->accepted) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_tlsrpt_names_sort(&tmcf->accepted.list);

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_accepted_names(ngx_cycle_t *cycle,
    ngx_http_tlsrpt_accepted_t *accepted)
{
    ngx_str_t                     *name;
    ngx_uint_t                     i;
    ngx_http_tlsrpt_domain_t      *domains;
    ngx_http_mta_sts_policy_t     *policy;
    ngx_http_mta_sts_main_conf_t  *mmcf;

    domains = accepted->domains.elts;

    for (i = 0; i < accepted->domains.nelts; i++) {
        name = ngx_array_push(&accepted->list);
        if (name == NULL) {
            return NGX_ERROR;
        }

        *name = domains[i].name;
    }

    mmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_mta_sts_module);

    policy = NULL;

    while ((policy = ngx_http_mta_sts_next(mmcf, policy)) != NULL) {
        name = ngx_array_push(&accepted->list);
        if (name == NULL) {
            return NGX_ERROR;
        }

        *name = ngx_http_mta_sts_policy_domain(policy);
    }

    return NGX_OK;
}


/* Searching */

ngx_http_tlsrpt_domain_t *
ngx_http_tlsrpt_domain_find(ngx_http_tlsrpt_accepted_t *accepted,
    const char *name, size_t len)
{
    uint32_t                   slot;
    const u_char              *p, *last;
    ngx_http_tlsrpt_domain_t  *domains;

    if (accepted->domains.nelts == 0) {
        return NULL;
    }

    domains = accepted->domains.elts;
    p = (const u_char *) name;
    last = p + len;

    while (p < last) {
        slot = *ngx_http_tlsrpt_hash_name(accepted, p, (size_t) (last - p));

        if (slot
            && (p == (const u_char *) name || domains[slot - 1].subdomains))
        {
            return &domains[slot - 1];
        }

        p = memchr(p, '.', (size_t) (last - p));
        if (p == NULL) {
            return NULL;
        }

        p++;
    }

    return NULL;
}


ngx_int_t
ngx_http_tlsrpt_accepted_by_token(ngx_http_request_t *r,
    const ngx_str_t *token, ngx_http_tlsrpt_domain_t **domain)
{
    ngx_int_t                      rc;
    ngx_http_tlsrpt_domain_t      *configured;
    ngx_http_tlsrpt_registered_t   enrolled;
    ngx_http_tlsrpt_main_conf_t   *tmcf;

    tmcf = ngx_http_get_module_main_conf(r, ngx_http_tlsrpt_module);

    *domain = ngx_http_tlsrpt_domain_by_token(&tmcf->accepted, token->data,
                                              token->len);
    if (*domain) {
        return NGX_OK;
    }

    rc = ngx_http_tlsrpt_registry_by_token(token, r->pool, &enrolled);

    if (rc != NGX_OK) {
        return rc;
    }

    if (enrolled.state == NGX_HTTP_TLSRPT_PENDING) {
        return NGX_BUSY;
    }

    configured = ngx_http_tlsrpt_domain_find(&tmcf->accepted,
                                             (char *) enrolled.name.data,
                                             enrolled.name.len);

    if (configured && configured->name.len == enrolled.name.len
        && configured->token.len)
    {
        return NGX_DECLINED;
    }

    *domain = ngx_http_tlsrpt_accepted_enrolled(r->pool, &enrolled);

    return *domain ? NGX_OK : NGX_ERROR;
}


static ngx_http_tlsrpt_domain_t *
ngx_http_tlsrpt_domain_by_token(ngx_http_tlsrpt_accepted_t *accepted,
    const u_char *token, size_t len)
{
    uint32_t                   slot;
    ngx_http_tlsrpt_domain_t  *domains;

    if (accepted->domains.nelts == 0 || len == 0) {
        return NULL;
    }

    domains = accepted->domains.elts;
    slot = *ngx_http_tlsrpt_hash_token(accepted, token, len);

    return slot ? &domains[slot - 1] : NULL;
}


static ngx_http_tlsrpt_domain_t *
ngx_http_tlsrpt_accepted_enrolled(ngx_pool_t *pool,
    ngx_http_tlsrpt_registered_t *enrolled)
{
    ngx_http_tlsrpt_domain_t  *domain;

    domain = ngx_pcalloc(pool, sizeof(ngx_http_tlsrpt_domain_t));

    if (domain) {
        domain->name = enrolled->name;
        domain->token = enrolled->token;
        domain->enrolled = 1;
    }

    return domain;
}


ngx_uint_t
ngx_http_tlsrpt_accepted_takes(ngx_http_request_t *r,
    ngx_http_tlsrpt_domain_t *of_token, const ngx_str_t *name,
    ngx_str_t *below)
{
    ngx_http_tlsrpt_domain_t  *domain;

    ngx_str_null(below);

    domain = ngx_http_tlsrpt_accepted_token_of(r, name);

    if (of_token == NULL) {

        if (domain == NULL) {
            return ngx_http_tlsrpt_accepted_policy(r, name);
        }

        ngx_http_tlsrpt_accepted_below(domain, name, below);

        return domain->token.len == 0;
    }

    ngx_http_tlsrpt_accepted_below(of_token, name, below);

    if (below->len == 0) {
        return of_token->name.len == name->len
               && ngx_memcmp(of_token->name.data, name->data, name->len) == 0;
    }

    /* one with a token of its own is nearer to the name */

    return !of_token->enrolled
           && tlsrpt_domain_within(ngx_http_tlsrpt_str(name),
                                   ngx_http_tlsrpt_str(&of_token->name))
           && (domain == NULL || domain == of_token || domain->token.len == 0
               || domain->name.len < of_token->name.len);
}


static void
ngx_http_tlsrpt_accepted_below(ngx_http_tlsrpt_domain_t *domain,
    const ngx_str_t *name, ngx_str_t *below)
{
    if (name->len != domain->name.len) {
        *below = domain->name;
    }
}


ngx_http_tlsrpt_domain_t *
ngx_http_tlsrpt_accepted_token_of(ngx_http_request_t *r,
    const ngx_str_t *name)
{
    return ngx_http_tlsrpt_accepted_known(name, r->pool);
}


ngx_http_tlsrpt_domain_t *
ngx_http_tlsrpt_accepted_known(const ngx_str_t *name, ngx_pool_t *pool)
{
    ngx_http_tlsrpt_domain_t      *domain;
    ngx_http_tlsrpt_registered_t   enrolled;
    ngx_http_tlsrpt_main_conf_t   *tmcf;
    ngx_http_mta_sts_main_conf_t  *mmcf;

    tmcf = ngx_http_cycle_get_module_main_conf(ngx_cycle,
                                               ngx_http_tlsrpt_module);
    mmcf = ngx_http_cycle_get_module_main_conf(ngx_cycle,
                                               ngx_http_mta_sts_module);

    domain = ngx_http_tlsrpt_domain_find(&tmcf->accepted, (char *) name->data,
                                         name->len);

    /* what is configured counts, whatever the registry has; but ".NAME" does
       not name what is below it */

    if ((domain && domain->name.len == name->len)
        || ngx_http_mta_sts_find(mmcf, name->data, name->len)
        || ngx_http_tlsrpt_registry_find(name, pool, &enrolled) != NGX_OK)
    {
        return domain;
    }

    return ngx_http_tlsrpt_accepted_enrolled(pool, &enrolled);
}


/* Is its policy configured? */

static ngx_uint_t
ngx_http_tlsrpt_accepted_policy(ngx_http_request_t *r, const ngx_str_t *name)
{
    return ngx_http_mta_sts_find(ngx_http_get_module_main_conf(r,
                                     ngx_http_mta_sts_module),
                                 name->data, name->len)
           != NULL;
}


ngx_uint_t
ngx_http_tlsrpt_domain_accepted(ngx_http_request_t *r, const char *name,
    size_t len)
{
    ngx_str_t  domain;

    domain.data = (u_char *) name;
    domain.len = len;

    return ngx_http_tlsrpt_accepted_token_of(r, &domain)
           || ngx_http_tlsrpt_accepted_policy(r, &domain);
}


ngx_uint_t
ngx_http_tlsrpt_domain_configured(const ngx_str_t *name)
{
    ngx_http_tlsrpt_main_conf_t  *tmcf;

    tmcf = ngx_http_cycle_get_module_main_conf(ngx_cycle,
                                               ngx_http_tlsrpt_module);

    return ngx_http_tlsrpt_domain_find(&tmcf->accepted, (char *) name->data,
                                       name->len)
           || ngx_http_mta_sts_find(
                  ngx_http_cycle_get_module_main_conf(ngx_cycle,
                                                      ngx_http_mta_sts_module),
                  name->data, name->len);
}


/* The slot of name, or the free one where it belongs. */

static uint32_t *
ngx_http_tlsrpt_hash_name(ngx_http_tlsrpt_accepted_t *accepted,
    const u_char *name, size_t len)
{
    uint32_t                  *slot;
    ngx_uint_t                 i;
    ngx_http_tlsrpt_domain_t  *domain;

    i = ngx_murmur_hash2((u_char *) name, len);

    for ( ;; ) {
        slot = &accepted->names.slots[i++ & accepted->names.mask];

        if (*slot == 0) {
            return slot;
        }

        domain = accepted->domains.elts;
        domain += *slot - 1;

        if (domain->name.len == len
            && ngx_memcmp(domain->name.data, name, len) == 0)
        {
            return slot;
        }
    }
}


/* The same for tokens; what is compared does not show in the time taken. */

static uint32_t *
ngx_http_tlsrpt_hash_token(ngx_http_tlsrpt_accepted_t *accepted,
    const u_char *token, size_t len)
{
    uint32_t                  *slot;
    ngx_uint_t                 i;
    ngx_http_tlsrpt_domain_t  *domain;

    i = ngx_murmur_hash2((u_char *) token, len);

    for ( ;; ) {
        slot = &accepted->tokens.slots[i++ & accepted->tokens.mask];

        if (*slot == 0) {
            return slot;
        }

        domain = accepted->domains.elts;
        domain += *slot - 1;

        if (domain->token.len == len
            && ngx_http_tlsrpt_equal(domain->token.data, token, len))
        {
            return slot;
        }
    }
}


static ngx_uint_t
ngx_http_tlsrpt_equal(const u_char *one, const u_char *two, size_t len)
{
    size_t            i;
    volatile u_char   differ;

    differ = 0;

    for (i = 0; i < len; i++) {
        differ |= one[i] ^ two[i];
    }

    return differ == 0;
}
