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
 * Answers are made when the configuration is read, or the registry: a request
 * is a search in a table, or in two, and a send.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_mta_sts_files.h"
#include "ngx_http_mta_sts_module.h"
#include "ngx_http_tlsrpt_send.h"


#define NGX_HTTP_MTA_STS_HOST    "mta-sts."
#define NGX_HTTP_MTA_STS_SUFFIX  ".txt"
#define NGX_HTTP_MTA_STS_RETRY   "10"       /* seconds */


/* A policy being read. */
typedef struct {
    ngx_conf_t                  *cf;
    ngx_str_t                    domain;    /* normalized */
    mta_sts_policy_t             policy;
    unsigned                     mode:1;    /* given */
    unsigned                     max_age:1;
} ngx_http_mta_sts_ctx_t;


static ngx_int_t ngx_http_mta_sts_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_mta_sts_host_policy(ngx_http_request_t *r,
    ngx_http_mta_sts_served_t *served);
static ngx_int_t ngx_http_mta_sts_unknown(ngx_http_request_t *r);
static ngx_int_t ngx_http_mta_sts_send(ngx_http_request_t *r,
    ngx_http_mta_sts_served_t *served);

static char *ngx_http_mta_sts_init_main_conf(ngx_conf_t *cf, void *conf);

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
static char *ngx_http_mta_sts_policy_file(ngx_conf_t *cf,
    ngx_http_mta_sts_main_conf_t *mmcf, ngx_str_t *name);
static char *ngx_http_mta_sts_file_text(ngx_http_mta_sts_ctx_t *ctx,
    ngx_http_mta_sts_main_conf_t *mmcf, ngx_fd_t fd, ngx_str_t *name);
static char *ngx_http_mta_sts_domain(ngx_http_mta_sts_ctx_t *ctx,
    ngx_str_t *name);
static void ngx_http_mta_sts_on_remark(void *data, int is_error, size_t at,
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

    ngx_http_mta_sts_table_create,         /* create main configuration */
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
    ngx_int_t                  rc;
    ngx_http_mta_sts_served_t  served;

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

    switch (ngx_http_mta_sts_host_policy(r, &served)) {

    case NGX_OK:
        return ngx_http_mta_sts_send(r, &served);

    case NGX_DECLINED:
        return NGX_HTTP_NOT_FOUND;

    case NGX_AGAIN:
        return ngx_http_mta_sts_unknown(r);

    default:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
}


/* The Policy Host is "mta-sts." and the Policy Domain (RFC 8461 3.2).  nginx
   has put the name in lower case, without port and final dot. */

static ngx_int_t
ngx_http_mta_sts_host_policy(ngx_http_request_t *r,
    ngx_http_mta_sts_served_t *served)
{
    size_t      prefix;
    ngx_str_t  *host, domain;

    host = &r->headers_in.server;
    prefix = sizeof(NGX_HTTP_MTA_STS_HOST) - 1;

    if (host->len <= prefix
        || ngx_memcmp(host->data, NGX_HTTP_MTA_STS_HOST, prefix) != 0)
    {
        return NGX_DECLINED;
    }

    domain.data = host->data + prefix;
    domain.len = host->len - prefix;

    return ngx_http_mta_sts_request_served(r, &domain, served);
}


/* The registry is not loaded, or not all of it fits: a sender that has a policy
   keeps it, and asks again. */

static ngx_int_t
ngx_http_mta_sts_unknown(ngx_http_request_t *r)
{
    if (ngx_http_tlsrpt_add_header(r, "Retry-After", NGX_HTTP_MTA_STS_RETRY)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_HTTP_SERVICE_UNAVAILABLE;
}


static ngx_int_t
ngx_http_mta_sts_send(ngx_http_request_t *r,
    ngx_http_mta_sts_served_t *served)
{
    u_char     *p;
    ngx_str_t   text;

    text = served->text;

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


static char *
ngx_http_mta_sts_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_mta_sts_main_conf_t  *mmcf = conf;

    ngx_http_mta_sts_remarks_log(&mmcf->remarks, cf);

    return ngx_http_mta_sts_table_init(cf, mmcf);
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

    if (mta_sts_policy_check(&ctx.policy, ngx_http_mta_sts_on_remark, &ctx)
        != 0)
    {
        return NGX_CONF_ERROR;
    }

    return ngx_http_mta_sts_table_add(cf, mmcf, &ctx.domain, &ctx.policy);
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
        ngx_http_mta_sts_on_remark(ctx, 1, 0, "RFC 8461 3.2",
                                   "\"mode\" is given twice");
        return NGX_CONF_ERROR;
    }

    ctx->mode = 1;

    if (mta_sts_policy_set_mode(&ctx->policy, (char *) value->data,
                                value->len, &reason)
        != 0)
    {
        ngx_http_mta_sts_on_remark(ctx, 1, 0, "RFC 8461 3.2", reason);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_mta_sts_max_age(ngx_http_mta_sts_ctx_t *ctx, ngx_str_t *value)
{
    ngx_int_t  seconds;

    if (ctx->max_age) {
        ngx_http_mta_sts_on_remark(ctx, 1, 0, "RFC 8461 3.2",
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
        ngx_http_mta_sts_on_remark(ctx, rc != 0, 0, "RFC 8461 3.2", reason);
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

    if (ngx_http_mta_sts_files_dir(cf, &pattern) != NGX_OK) {
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

    size = ngx_http_mta_sts_files_read(cf, mmcf, fd, name);
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
                             ngx_http_mta_sts_on_remark, ctx)
        == 0)
    {
        file.line = 1;
        rv = ngx_http_mta_sts_table_add(cf, mmcf, &ctx->domain, &ctx->policy);
    }

    cf->conf_file = conf_file;

    return rv;
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
        ngx_http_mta_sts_on_remark(ctx, 0, 0, "RFC 8461 3.2",
                                   "the domain is given without \""
                                   NGX_HTTP_MTA_STS_HOST "\", which the host "
                                   "name of a policy has");
    }

    return NGX_CONF_OK;
}


/* In a policy file, at is the line; in a directive it is 0, and the line that
   of the configuration. */

static void
ngx_http_mta_sts_on_remark(void *data, int is_error, size_t at,
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
