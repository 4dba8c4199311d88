/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Serves MTA-STS policies (RFC 8461 3.3):
 *
 *     mta_sts_policy    example.com mode=enforce max_age=7d mx=mx.example.com;
 *     mta_sts_policies  mta-sts/?*.txt;
 *
 *     location = /.well-known/mta-sts.txt {
 *         mta_sts;
 *     }
 *
 * Answers are made when the configuration is read: a request is a search in a
 * table and a send.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_mta_sts_module.h"
#include "ngx_http_tlsrpt_problem.h"


#define NGX_HTTP_MTA_STS_HOST    "mta-sts."
#define NGX_HTTP_MTA_STS_SUFFIX  ".txt"

#define NGX_HTTP_MTA_STS_BLOCK   (256 * 1024)
#define NGX_HTTP_MTA_STS_TEXT    1024       /* longer ones are rare */


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

/* A policy being read. */
typedef struct {
    ngx_conf_t                  *cf;
    ngx_str_t                    domain;    /* normalized */
    mta_sts_policy_t             policy;
    unsigned                     mode:1;    /* given */
    unsigned                     max_age:1;
} ngx_http_mta_sts_ctx_t;


static ngx_int_t ngx_http_mta_sts_handler(ngx_http_request_t *r);
static ngx_http_mta_sts_policy_t *ngx_http_mta_sts_host_policy(
    ngx_http_request_t *r);
static ngx_int_t ngx_http_mta_sts_send(ngx_http_request_t *r,
    ngx_http_mta_sts_policy_t *policy);

static size_t ngx_http_mta_sts_size(size_t domain_len);
static size_t ngx_http_mta_sts_text_size(ngx_http_mta_sts_text_t *text);
static ngx_http_mta_sts_policy_t *ngx_http_mta_sts_after(
    ngx_http_mta_sts_policy_t *policy);

static void *ngx_http_mta_sts_create_main_conf(ngx_conf_t *cf);
static void ngx_http_mta_sts_destroy_pool(void *pool);
static char *ngx_http_mta_sts_init_main_conf(ngx_conf_t *cf, void *conf);
static ngx_uint_t ngx_http_mta_sts_same(ngx_str_t *a, ngx_str_t *b);
static ngx_int_t ngx_http_mta_sts_chain(ngx_http_mta_sts_entry_t **last,
    ngx_http_mta_sts_entry_t *entry);
static char *ngx_http_mta_sts_lay_out(ngx_conf_t *cf,
    ngx_http_mta_sts_main_conf_t *mmcf, ngx_http_mta_sts_entry_t **chains);
static u_char *ngx_http_mta_sts_place(u_char *p,
    ngx_http_mta_sts_entry_t *entry);
static char *ngx_http_mta_sts_duplicate(ngx_conf_t *cf,
    ngx_http_mta_sts_main_conf_t *mmcf, ngx_http_mta_sts_entry_t *entry);

static char *ngx_http_mta_sts(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *ngx_http_mta_sts_policy(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_mta_sts_param(ngx_http_mta_sts_ctx_t *ctx,
    ngx_str_t *param);
static char *ngx_http_mta_sts_mode(ngx_http_mta_sts_ctx_t *ctx,
    ngx_str_t *value);
static char *ngx_http_mta_sts_max_age(ngx_http_mta_sts_ctx_t *ctx,
    ngx_str_t *value);
static char *ngx_http_mta_sts_mx(ngx_http_mta_sts_ctx_t *ctx,
    ngx_str_t *value);
static char *ngx_http_mta_sts_policies(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_http_mta_sts_policies_dir(ngx_conf_t *cf,
    ngx_str_t *pattern);
static char *ngx_http_mta_sts_policy_file(ngx_conf_t *cf,
    ngx_http_mta_sts_main_conf_t *mmcf, ngx_str_t *name);
static char *ngx_http_mta_sts_file_text(ngx_http_mta_sts_ctx_t *ctx,
    ngx_http_mta_sts_main_conf_t *mmcf, ngx_fd_t fd, ngx_str_t *name);
static ssize_t ngx_http_mta_sts_read(ngx_conf_t *cf,
    ngx_http_mta_sts_main_conf_t *mmcf, ngx_fd_t fd, ngx_str_t *name);
static char *ngx_http_mta_sts_domain(ngx_http_mta_sts_ctx_t *ctx,
    ngx_str_t *name);
static char *ngx_http_mta_sts_add(ngx_http_mta_sts_ctx_t *ctx,
    ngx_http_mta_sts_main_conf_t *mmcf);
static ngx_http_mta_sts_node_t *ngx_http_mta_sts_node(
    ngx_http_mta_sts_ctx_t *ctx, ngx_http_mta_sts_main_conf_t *mmcf);
static ngx_http_mta_sts_node_t *ngx_http_mta_sts_create_node(
    ngx_http_mta_sts_ctx_t *ctx, ngx_http_mta_sts_main_conf_t *mmcf,
    ngx_str_t *text);
static void ngx_http_mta_sts_finding(void *data, int is_error, size_t at,
    const char *section, const char *message);


static ngx_command_t  ngx_http_mta_sts_commands[] = {

    { ngx_string("mta_sts"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_mta_sts,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("mta_sts_policy"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_mta_sts_policy,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("mta_sts_policies"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_mta_sts_policies,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_mta_sts_module_ctx = {
    NULL,                                  /* preconfiguration */
    NULL,                                  /* postconfiguration */

    ngx_http_mta_sts_create_main_conf,     /* create main configuration */
    ngx_http_mta_sts_init_main_conf,       /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_mta_sts_module = {
    NGX_MODULE_V1,
    &ngx_http_mta_sts_module_ctx,          /* module context */
    ngx_http_mta_sts_commands,             /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_int_t
ngx_http_mta_sts_handler(ngx_http_request_t *r)
{
    ngx_int_t                   rc;
    ngx_http_mta_sts_policy_t  *policy;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {

        if (ngx_http_tlsrpt_add_header(r, "Allow", "GET, HEAD") != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        return NGX_HTTP_NOT_ALLOWED;
    }

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    policy = ngx_http_mta_sts_host_policy(r);

    if (policy == NULL) {
        return NGX_HTTP_NOT_FOUND;
    }

    return ngx_http_mta_sts_send(r, policy);
}


/* The Policy Host is "mta-sts." and the Policy Domain (RFC 8461 3.2).  nginx
   has put the name in lower case, without port and final dot. */

static ngx_http_mta_sts_policy_t *
ngx_http_mta_sts_host_policy(ngx_http_request_t *r)
{
    size_t                         prefix;
    ngx_str_t                     *host;
    ngx_http_mta_sts_main_conf_t  *mmcf;

    host = &r->headers_in.server;
    prefix = sizeof(NGX_HTTP_MTA_STS_HOST) - 1;

    if (host->len <= prefix
        || ngx_memcmp(host->data, NGX_HTTP_MTA_STS_HOST, prefix) != 0)
    {
        return NULL;
    }

    mmcf = ngx_http_get_module_main_conf(r, ngx_http_mta_sts_module);

    return ngx_http_mta_sts_find(mmcf, host->data + prefix,
                                 host->len - prefix);
}


static ngx_int_t
ngx_http_mta_sts_send(ngx_http_request_t *r, ngx_http_mta_sts_policy_t *policy)
{
    u_char     *p;
    ngx_str_t   text;

    text = ngx_http_mta_sts_policy_text(policy);

    /* the text comes into the cache while the header is made */

    for (p = text.data; p < text.data + text.len; p += ngx_cacheline_size) {
        __builtin_prefetch(p);
    }

    r->headers_out.status = NGX_HTTP_OK;

    /* a policy is a 200 or none, and not cached as HTTP does (RFC 8461 3.3) */

    r->disable_not_modified = 1;

    /*
     * the type holds the charset already: content_type_len, up to where it
     * begins, keeps nginx from adding one, and headers_out.charset keeps the
     * charset filter from looking for another
     */

    ngx_str_set(&r->headers_out.content_type, "text/plain; charset=utf-8");
    r->headers_out.content_type_len = sizeof("text/plain") - 1;
    ngx_str_set(&r->headers_out.charset, "utf-8");

    if (ngx_http_tlsrpt_add_header(r, "X-Content-Type-Options", "nosniff")
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_tlsrpt_send_body(r, text.data, text.len);
}


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


/* With what keeps what is behind it aligned. */

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


static void *
ngx_http_mta_sts_create_main_conf(ngx_conf_t *cf)
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


static char *
ngx_http_mta_sts_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_mta_sts_main_conf_t *mmcf = conf;

    char                       *rv;
    uint32_t                    hash;
    ngx_uint_t                  i, size;
    ngx_http_mta_sts_entry_t   *entry, **chains;

    ngx_http_mta_sts_remarks_log(&mmcf->remarks, cf);

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


static ngx_uint_t
ngx_http_mta_sts_same(ngx_str_t *a, ngx_str_t *b)
{
    return a->len == b->len && ngx_memcmp(a->data, b->data, a->len) == 0;
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


static char *
ngx_http_mta_sts(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->handler == ngx_http_mta_sts_handler) {
        return "is duplicate";
    }

    clcf->handler = ngx_http_mta_sts_handler;

    return NGX_CONF_OK;
}


static char *
ngx_http_mta_sts_policy(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_mta_sts_main_conf_t *mmcf = conf;

    char                    *rv;
    u_char                   domain[TLSRPT_DOMAIN_LEN + 1];
    ngx_str_t               *value;
    ngx_uint_t               i;
    ngx_http_mta_sts_ctx_t   ctx;

    value = cf->args->elts;

    /* not all of it: the patterns are large, and set as they come */

    ctx.cf = cf;
    ctx.domain.data = domain;
    ctx.policy.nmx = 0;
    ctx.mode = 0;
    ctx.max_age = 0;

    rv = ngx_http_mta_sts_domain(&ctx, &value[1]);

    if (rv != NGX_CONF_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "MTA-STS policy of \"%V\": not a domain name",
                           &value[1]);
    }

    for (i = 2; i < cf->args->nelts && rv == NGX_CONF_OK; i++) {
        rv = ngx_http_mta_sts_param(&ctx, &value[i]);
    }

    if (rv != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    if (!ctx.mode || !ctx.max_age) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "MTA-STS policy of \"%V\" has no \"%s\" parameter",
                           &ctx.domain, ctx.mode ? "max_age" : "mode");
        return NGX_CONF_ERROR;
    }

    if (mta_sts_policy_check(&ctx.policy, ngx_http_mta_sts_finding, &ctx)
        != 0)
    {
        return NGX_CONF_ERROR;
    }

    return ngx_http_mta_sts_add(&ctx, mmcf);
}


static char *
ngx_http_mta_sts_param(ngx_http_mta_sts_ctx_t *ctx, ngx_str_t *param)
{
    u_char     *p, *last;
    ngx_str_t   value;

    last = param->data + param->len;
    p = ngx_strlchr(param->data, last, '=');

    if (p != NULL) {
        p++;
        value.data = p;
        value.len = last - p;

        switch (p - param->data) {

        case 3:
            if (ngx_strncmp(param->data, "mx=", 3) == 0) {
                return ngx_http_mta_sts_mx(ctx, &value);
            }
            break;

        case 5:
            if (ngx_strncmp(param->data, "mode=", 5) == 0) {
                return ngx_http_mta_sts_mode(ctx, &value);
            }
            break;

        case 8:
            if (ngx_strncmp(param->data, "max_age=", 8) == 0) {
                return ngx_http_mta_sts_max_age(ctx, &value);
            }
            break;
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, ctx->cf, 0,
                       "invalid parameter \"%V\", it must be \"mode=\", "
                       "\"max_age=\" or \"mx=\"", param);

    return NGX_CONF_ERROR;
}


static char *
ngx_http_mta_sts_mode(ngx_http_mta_sts_ctx_t *ctx, ngx_str_t *value)
{
    const char  *reason;

    if (ctx->mode) {
        ngx_http_mta_sts_finding(ctx, 1, 0, "RFC 8461 3.2",
                                 "\"mode\" is given twice");
        return NGX_CONF_ERROR;
    }

    ctx->mode = 1;

    if (mta_sts_policy_set_mode(&ctx->policy, (char *) value->data,
                                value->len, &reason)
        != 0)
    {
        ngx_http_mta_sts_finding(ctx, 1, 0, "RFC 8461 3.2", reason);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_mta_sts_max_age(ngx_http_mta_sts_ctx_t *ctx, ngx_str_t *value)
{
    ngx_int_t  seconds;

    if (ctx->max_age) {
        ngx_http_mta_sts_finding(ctx, 1, 0, "RFC 8461 3.2",
                                 "\"max_age\" is given twice");
        return NGX_CONF_ERROR;
    }

    ctx->max_age = 1;

    seconds = ngx_parse_time(value, 1);

    if (seconds == (ngx_int_t) NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, ctx->cf, 0,
                           "MTA-STS policy of \"%V\": invalid max_age \"%V\", "
                           "it must be a time as in \"7d\" or \"604800\"",
                           &ctx->domain, value);
        return NGX_CONF_ERROR;
    }

    /* what is over the maximum, the check of the policy refuses */

    ctx->policy.max_age = (uint32_t) ngx_min(seconds, NGX_MAX_INT32_VALUE);

    return NGX_CONF_OK;
}


static char *
ngx_http_mta_sts_mx(ngx_http_mta_sts_ctx_t *ctx, ngx_str_t *value)
{
    int          rc;
    const char  *reason;

    rc = mta_sts_policy_add_mx(&ctx->policy, (char *) value->data, value->len,
                               &reason);

    if (reason != NULL) {
        ngx_http_mta_sts_finding(ctx, rc != 0, 0, "RFC 8461 3.2", reason);
    }

    return rc == 0 ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static char *
ngx_http_mta_sts_policies(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_mta_sts_main_conf_t *mmcf = conf;

    char        *rv;
    ngx_str_t   *value, pattern, name;
    ngx_uint_t   n;
    ngx_glob_t   gl;

    value = cf->args->elts;
    pattern = value[1];

    if (ngx_conf_full_name(cf->cycle, &pattern, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (strpbrk((char *) pattern.data, "*?[") == NULL) {
        return ngx_http_mta_sts_policy_file(cf, mmcf, &pattern);
    }

    if (ngx_http_mta_sts_policies_dir(cf, &pattern) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&gl, sizeof(ngx_glob_t));

    gl.pattern = pattern.data;
    gl.log = cf->log;
    gl.test = 1;

    if (ngx_open_glob(&gl) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_glob_n " \"%s\" failed", pattern.data);
        return NGX_CONF_ERROR;
    }

    rv = NGX_CONF_OK;

    for (n = 0; ngx_read_glob(&gl, &name) == NGX_OK; n++) {

        rv = ngx_http_mta_sts_policy_file(cf, mmcf, &name);

        if (rv != NGX_CONF_OK) {
            break;
        }
    }

    ngx_close_glob(&gl);

    if (n == 0 && rv == NGX_CONF_OK) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "no MTA-STS policy file matches \"%V\"", &pattern);
    }

    return rv;
}


/* Is the directory there, in which the pattern begins to be one? */

static ngx_int_t
ngx_http_mta_sts_policies_dir(ngx_conf_t *cf, ngx_str_t *pattern)
{
    ngx_dir_t  dir;
    ngx_str_t  name;

    name.len = strcspn((char *) pattern->data, "*?[");

    while (name.len > 1 && pattern->data[name.len - 1] != '/') {
        name.len--;
    }

    name.len -= (name.len > 1);

    name.data = ngx_pnalloc(cf->temp_pool, name.len + 1);
    if (name.data == NULL) {
        return NGX_ERROR;
    }

    ngx_cpystrn(name.data, pattern->data, name.len + 1);

    if (ngx_open_dir(&name, &dir) == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_dir_n " \"%V\" failed", &name);
        return NGX_ERROR;
    }

    (void) ngx_close_dir(&dir);

    return NGX_OK;
}


/* DOMAIN.txt */

static char *
ngx_http_mta_sts_policy_file(ngx_conf_t *cf,
    ngx_http_mta_sts_main_conf_t *mmcf, ngx_str_t *name)
{
    char                    *rv;
    size_t                   suffix;
    u_char                   domain[TLSRPT_DOMAIN_LEN + 1], *p, *last;
    ngx_fd_t                 fd;
    ngx_str_t                base;
    ngx_file_info_t          fi;
    ngx_http_mta_sts_ctx_t   ctx;

    suffix = sizeof(NGX_HTTP_MTA_STS_SUFFIX) - 1;
    last = name->data + name->len;

    for (p = last; p > name->data && p[-1] != '/'; p--) { /* void */ }

    base.data = p;
    base.len = last - p;

    if (base.len <= suffix
        || ngx_memcmp(last - suffix, NGX_HTTP_MTA_STS_SUFFIX, suffix) != 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "MTA-STS policy file \"%V\" must be named "
                           "DOMAIN" NGX_HTTP_MTA_STS_SUFFIX, name);
        return NGX_CONF_ERROR;
    }

    base.len -= suffix;

    ctx.cf = cf;
    ctx.domain.data = domain;

    if (ngx_http_mta_sts_domain(&ctx, &base) != NGX_CONF_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "MTA-STS policy file \"%V\" must be named "
                           "DOMAIN" NGX_HTTP_MTA_STS_SUFFIX ", and \"%V\" is "
                           "not a domain name", name, &base);
        return NGX_CONF_ERROR;
    }

    /* opening a FIFO would wait for somebody to write into it */

    fd = ngx_open_file(name->data, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK,
                       NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " \"%V\" failed", name);
        return NGX_CONF_ERROR;
    }

    if (ngx_fd_info(fd, &fi) != NGX_FILE_ERROR && !ngx_is_file(&fi)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "MTA-STS policy file \"%V\" is no regular file",
                           name);
        rv = NGX_CONF_ERROR;

    } else {
        rv = ngx_http_mta_sts_file_text(&ctx, mmcf, fd, name);
    }

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, cf->log, ngx_errno,
                      ngx_close_file_n " \"%V\" failed", name);
    }

    return rv;
}


/* While a policy file is read, it is the file that the errors name. */

static char *
ngx_http_mta_sts_file_text(ngx_http_mta_sts_ctx_t *ctx,
    ngx_http_mta_sts_main_conf_t *mmcf, ngx_fd_t fd, ngx_str_t *name)
{
    char             *rv;
    ssize_t           size;
    ngx_conf_t       *cf;
    ngx_conf_file_t   file, *conf_file;

    cf = ctx->cf;

    size = ngx_http_mta_sts_read(cf, mmcf, fd, name);
    if (size == NGX_ERROR) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&file, sizeof(ngx_conf_file_t));

    file.file.fd = fd;
    file.file.name.len = name->len;
    file.file.name.data = ngx_pnalloc(cf->temp_pool, name->len + 1);
    if (file.file.name.data == NULL) {
        return NGX_CONF_ERROR;
    }

    (void) ngx_cpystrn(file.file.name.data, name->data, name->len + 1);

    conf_file = cf->conf_file;
    cf->conf_file = &file;

    rv = NGX_CONF_ERROR;

    if (mta_sts_policy_parse((char *) mmcf->buffer, size, &ctx->policy,
                             ngx_http_mta_sts_finding, ctx)
        == 0)
    {
        file.line = 1;
        rv = ngx_http_mta_sts_add(ctx, mmcf);
    }

    cf->conf_file = conf_file;

    return rv;
}


/* Into the buffer; one byte more than is allowed tells what is too large. */

static ssize_t
ngx_http_mta_sts_read(ngx_conf_t *cf, ngx_http_mta_sts_main_conf_t *mmcf,
    ngx_fd_t fd, ngx_str_t *name)
{
    size_t   size;
    ssize_t  n;

    if (mmcf->buffer == NULL) {
        mmcf->buffer = ngx_palloc(cf->temp_pool, MTA_STS_MAX_SIZE + 1);
        if (mmcf->buffer == NULL) {
            return NGX_ERROR;
        }
    }

    for (size = 0; size <= MTA_STS_MAX_SIZE; size += n) {

        n = ngx_read_fd(fd, mmcf->buffer + size, MTA_STS_MAX_SIZE + 1 - size);

        if (n == -1) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                               ngx_read_fd_n " \"%V\" failed", name);
            return NGX_ERROR;
        }

        if (n == 0) {
            break;
        }
    }

    return size;
}


/* domain.data has the room.  NGX_CONF_ERROR: no domain name. */

static char *
ngx_http_mta_sts_domain(ngx_http_mta_sts_ctx_t *ctx, ngx_str_t *name)
{
    ctx->domain.len = tlsrpt_domain_normalize((char *) name->data, name->len,
                                              (char *) ctx->domain.data);

    if (ctx->domain.len == 0) {
        return NGX_CONF_ERROR;
    }

    if (ngx_strncmp(ctx->domain.data, NGX_HTTP_MTA_STS_HOST,
                    sizeof(NGX_HTTP_MTA_STS_HOST) - 1)
        == 0)
    {
        ngx_http_mta_sts_finding(ctx, 0, 0, "RFC 8461 3.2",
                                 "the domain is given without \""
                                 NGX_HTTP_MTA_STS_HOST "\", which the host "
                                 "name of a policy has");
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_mta_sts_add(ngx_http_mta_sts_ctx_t *ctx,
    ngx_http_mta_sts_main_conf_t *mmcf)
{
    ngx_http_mta_sts_entry_t  *entry;

    entry = ngx_array_push(mmcf->entries);
    if (entry == NULL) {
        return NGX_CONF_ERROR;
    }

    entry->domain.len = ctx->domain.len;
    entry->domain.data = ngx_pstrdup(mmcf->pool, &ctx->domain);
    entry->node = ngx_http_mta_sts_node(ctx, mmcf);

    if (entry->domain.data == NULL || entry->node == NULL) {
        return NGX_CONF_ERROR;
    }

    mmcf->size += ngx_http_mta_sts_size(ctx->domain.len);

    entry->file = ctx->cf->conf_file->file.name.data;
    entry->line = ctx->cf->conf_file->line;
    entry->next = NULL;

    return NGX_CONF_OK;
}


/* The text as somebody has it already, or else a new one. */

static ngx_http_mta_sts_node_t *
ngx_http_mta_sts_node(ngx_http_mta_sts_ctx_t *ctx,
    ngx_http_mta_sts_main_conf_t *mmcf)
{
    u_char                    buffer[NGX_HTTP_MTA_STS_TEXT];
    uint32_t                  hash;
    ngx_str_t                 text;
    ngx_http_mta_sts_node_t  *node;

    text.len = mta_sts_policy_text(&ctx->policy, NULL, 0);
    text.data = buffer;

    if (text.len > sizeof(buffer)) {
        text.data = ngx_pnalloc(mmcf->pool, text.len);
        if (text.data == NULL) {
            return NULL;
        }
    }

    (void) mta_sts_policy_text(&ctx->policy, (char *) text.data, text.len);

    hash = ngx_murmur_hash2(text.data, text.len);

    node = (ngx_http_mta_sts_node_t *)
               ngx_str_rbtree_lookup(&mmcf->texts, &text, hash);
    if (node) {
        return node;
    }

    node = ngx_http_mta_sts_create_node(ctx, mmcf, &text);
    if (node) {
        node->sn.node.key = hash;
        ngx_rbtree_insert(&mmcf->texts, &node->sn.node);
    }

    return node;
}


static ngx_http_mta_sts_node_t *
ngx_http_mta_sts_create_node(ngx_http_mta_sts_ctx_t *ctx,
    ngx_http_mta_sts_main_conf_t *mmcf, ngx_str_t *text)
{
    char                      id[MTA_STS_ID_LEN + 1];
    size_t                    size;
    ngx_http_mta_sts_node_t  *node;
    ngx_http_mta_sts_text_t   fixed;

    mta_sts_policy_id(&ctx->policy, id);

    fixed.len = text->len;
    fixed.id_len = ngx_strlen(id);
    fixed.mode = ctx->policy.mode;

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


/* In a policy file, at is the line; in a directive it is 0, and the line that
   of the configuration. */

static void
ngx_http_mta_sts_finding(void *data, int is_error, size_t at,
    const char *section, const char *message)
{
    ngx_http_mta_sts_ctx_t *ctx = data;

    ngx_http_mta_sts_main_conf_t  *mmcf;

    if (at) {
        ctx->cf->conf_file->line = at;
    }

    mmcf = ngx_http_conf_get_module_main_conf(ctx->cf,
                                              ngx_http_mta_sts_module);

    if (!is_error
        && ngx_http_mta_sts_remark(&mmcf->remarks, ctx->cf, &ctx->domain,
                                   message, section)
           == NGX_OK)
    {
        return;
    }

    ngx_conf_log_error(is_error ? NGX_LOG_EMERG : NGX_LOG_WARN, ctx->cf, 0,
                       "MTA-STS policy of \"%V\": %s (%s)",
                       &ctx->domain, message, section);
}
