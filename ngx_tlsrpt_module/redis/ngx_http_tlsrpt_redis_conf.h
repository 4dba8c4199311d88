/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The directive tlsrpt_redis.
 */

#ifndef NGX_HTTP_TLSRPT_REDIS_CONF_H
#define NGX_HTTP_TLSRPT_REDIS_CONF_H

#include <ngx_config.h>
#include <ngx_core.h>

#pragma GCC visibility push(hidden)

#define NGX_HTTP_TLSRPT_REDIS_PREFIX_LEN  64

/* naddrs 0: not given. */
typedef struct {
    ngx_str_t     name;                     /* as written, for the log */
    ngx_addr_t   *addrs;
    ngx_uint_t    naddrs;
    ngx_uint_t    db;
    ngx_str_t     user;
    ngx_str_t     password;                 /* never logged */
    ngx_str_t     prefix;                   /* of every key */
    ngx_msec_t    timeout;                  /* tlsrpt_redis_timeout */
} ngx_http_tlsrpt_redis_conf_t;

/* Sets the _redis_conf_t at the offset of the command. */
char *ngx_http_tlsrpt_redis(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_REDIS_CONF_H */
