/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_redis_conf.h"


#define NGX_HTTP_TLSRPT_MAX_PASSWORD  1024
#define NGX_HTTP_TLSRPT_MAX_DB        65535


static ngx_int_t ngx_http_tlsrpt_redis_addr(ngx_conf_t *cf,
    ngx_http_tlsrpt_redis_conf_t *rcf, ngx_str_t *value);
static ngx_int_t ngx_http_tlsrpt_redis_param(ngx_conf_t *cf,
    ngx_http_tlsrpt_redis_conf_t *rcf, ngx_str_t *value);
static ngx_int_t ngx_http_tlsrpt_redis_prefix(ngx_conf_t *cf,
    ngx_http_tlsrpt_redis_conf_t *rcf, ngx_str_t *prefix);
static ngx_int_t ngx_http_tlsrpt_redis_password(ngx_conf_t *cf,
    ngx_http_tlsrpt_redis_conf_t *rcf, ngx_str_t *password);
static ngx_int_t ngx_http_tlsrpt_redis_password_file(ngx_conf_t *cf,
    ngx_http_tlsrpt_redis_conf_t *rcf, ngx_str_t *file);


char *
ngx_http_tlsrpt_redis(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                     *value;
    ngx_uint_t                     i;
    ngx_http_tlsrpt_redis_conf_t  *rcf;

    rcf = (ngx_http_tlsrpt_redis_conf_t *) ((u_char *) conf + cmd->offset);
    value = cf->args->elts;

    if (rcf->naddrs) {
        return "is duplicate";
    }

    ngx_str_set(&rcf->prefix, "tlsrpt");

    for (i = 2; i < cf->args->nelts; i++) {
        if (ngx_http_tlsrpt_redis_param(cf, rcf, &value[i]) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    if (rcf->user.len && rcf->password.len == 0) {
        return "has a \"user\" without a \"password\"";
    }

    if (ngx_http_tlsrpt_redis_addr(cf, rcf, &value[1]) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* A host name is resolved now, and not again before the next reload. */

static ngx_int_t
ngx_http_tlsrpt_redis_addr(ngx_conf_t *cf, ngx_http_tlsrpt_redis_conf_t *rcf,
    ngx_str_t *value)
{
    ngx_url_t  u;

    if (ngx_atoi(value->data, value->len) != NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" of \"tlsrpt_redis\" is a port alone; it "
                           "takes HOST:PORT, as in \"127.0.0.1:6379\"", value);
        return NGX_ERROR;
    }

    ngx_memzero(&u, sizeof(ngx_url_t));

    u.url = *value;
    u.default_port = 6379;

    if (ngx_parse_url(cf->pool, &u) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s in \"%V\" of \"%s\"",
                           u.err ? u.err : "no address", value,
                           "tlsrpt_redis");
        return NGX_ERROR;
    }

    rcf->name = *value;
    rcf->addrs = u.addrs;
    rcf->naddrs = u.naddrs;

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_redis_param(ngx_conf_t *cf, ngx_http_tlsrpt_redis_conf_t *rcf,
    ngx_str_t *value)
{
    u_char     *p;
    ngx_int_t   db;
    ngx_str_t   name, arg;

    p = ngx_strlchr(value->data, value->data + value->len, '=');

    name.data = value->data;
    name.len = p ? (size_t) (p - value->data) : value->len;
    arg.data = p ? p + 1 : value->data + value->len;
    arg.len = value->len - (size_t) (arg.data - value->data);

#define ngx_http_tlsrpt_is(text)                                              \
    (name.len == sizeof(text) - 1                                             \
     && ngx_strncmp(name.data, text, sizeof(text) - 1) == 0 && arg.len)

    if (ngx_http_tlsrpt_is("db")) {
        db = ngx_atoi(arg.data, arg.len);

        if (db != NGX_ERROR && db <= NGX_HTTP_TLSRPT_MAX_DB) {
            rcf->db = (ngx_uint_t) db;
            return NGX_OK;
        }

    } else if (ngx_http_tlsrpt_is("user")) {
        rcf->user = arg;
        return NGX_OK;

    } else if (ngx_http_tlsrpt_is("password")) {
        return ngx_http_tlsrpt_redis_password(cf, rcf, &arg);

    } else if (ngx_http_tlsrpt_is("password_file")) {
        return ngx_http_tlsrpt_redis_password_file(cf, rcf, &arg);

    } else if (ngx_http_tlsrpt_is("prefix")) {
        return ngx_http_tlsrpt_redis_prefix(cf, rcf, &arg);
    }

#undef ngx_http_tlsrpt_is

    /* the name alone: the value of a misspelled one may be a password */

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid parameter \"%V\" of \"tlsrpt_redis\"", &name);

    return NGX_ERROR;
}


/* Printable, and without the braces of hash tags: every key carries it. */

static ngx_int_t
ngx_http_tlsrpt_redis_prefix(ngx_conf_t *cf,
    ngx_http_tlsrpt_redis_conf_t *rcf, ngx_str_t *prefix)
{
    size_t  i;

    for (i = 0; i < prefix->len; i++) {
        if (prefix->data[i] <= ' ' || prefix->data[i] > '~'
            || prefix->data[i] == '{' || prefix->data[i] == '}')
        {
            break;
        }
    }

    if (i != prefix->len || i > NGX_HTTP_TLSRPT_REDIS_PREFIX_LEN) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid prefix \"%V\" of \"tlsrpt_redis\": up to "
                           "%d printable characters but blanks and braces",
                           prefix, NGX_HTTP_TLSRPT_REDIS_PREFIX_LEN);
        return NGX_ERROR;
    }

    rcf->prefix = *prefix;

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_redis_password(ngx_conf_t *cf,
    ngx_http_tlsrpt_redis_conf_t *rcf, ngx_str_t *password)
{
    if (rcf->password.len) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"tlsrpt_redis\" has two passwords");
        return NGX_ERROR;
    }

    rcf->password = *password;

    return NGX_OK;
}


/* The first line, without its end. */

static ngx_int_t
ngx_http_tlsrpt_redis_password_file(ngx_conf_t *cf,
    ngx_http_tlsrpt_redis_conf_t *rcf, ngx_str_t *file)
{
    size_t           len;
    ssize_t          n;
    u_char          *text;
    ngx_fd_t         fd;
    ngx_str_t        password;
    ngx_file_info_t  fi;

    if (ngx_conf_full_name(cf->cycle, file, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    text = ngx_pnalloc(cf->pool, NGX_HTTP_TLSRPT_MAX_PASSWORD + 1);
    if (text == NULL) {
        return NGX_ERROR;
    }

    fd = ngx_open_file(file->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);
    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " \"%V\" failed", file);
        return NGX_ERROR;
    }

    if (ngx_fd_info(fd, &fi) != NGX_FILE_ERROR && (fi.st_mode & S_IROTH)) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "everyone may read the password in \"%V\"", file);
    }

    n = ngx_read_fd(fd, text, NGX_HTTP_TLSRPT_MAX_PASSWORD);

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_ALERT, cf, ngx_errno,
                           ngx_close_file_n " \"%V\" failed", file);
    }

    for (len = 0; n > 0 && len < (size_t) n; len++) {
        if (text[len] == '\n' || text[len] == '\r' || text[len] == '\0') {
            break;
        }
    }

    if (len == 0 || len == NGX_HTTP_TLSRPT_MAX_PASSWORD) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no password in the first line of \"%V\"", file);
        return NGX_ERROR;
    }

    text[len] = '\0';

    password.data = text;
    password.len = len;

    return ngx_http_tlsrpt_redis_password(cf, rcf, &password);
}
