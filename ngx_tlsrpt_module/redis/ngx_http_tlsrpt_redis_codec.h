/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Commands -> bytes, bytes -> replies (RESP 2).  The one place that knows
 * hiredis, of which nothing but the codec is used.
 */

#ifndef NGX_HTTP_TLSRPT_REDIS_CODEC_H
#define NGX_HTTP_TLSRPT_REDIS_CODEC_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "tlsrpt_collect.h"

#pragma GCC visibility push(hidden)

#define NGX_HTTP_TLSRPT_REDIS_MAX_REPLY     (64 * 1024 * 1024)
#define NGX_HTTP_TLSRPT_REDIS_MAX_ELEMENTS  65536   /* of one array */
#define NGX_HTTP_TLSRPT_REDIS_MAX_DEPTH     7

typedef struct ngx_http_tlsrpt_redis_codec_s  ngx_http_tlsrpt_redis_codec_t;

/* NULL: no memory. */
ngx_http_tlsrpt_redis_codec_t *ngx_http_tlsrpt_redis_codec_create(void);
void ngx_http_tlsrpt_redis_codec_destroy(ngx_http_tlsrpt_redis_codec_t *codec);

/* What was received; NGX_OK or NGX_ERROR, which stays. */
ngx_int_t ngx_http_tlsrpt_redis_codec_feed(
    ngx_http_tlsrpt_redis_codec_t *codec, const u_char *data, size_t len);

/* The next whole reply: NGX_OK; NGX_AGAIN: feed more; NGX_ERROR: this is no
   RESP, or over the bounds. */
ngx_int_t ngx_http_tlsrpt_redis_codec_next(
    ngx_http_tlsrpt_redis_codec_t *codec, tlsrpt_reply_t **reply);
const char *ngx_http_tlsrpt_redis_codec_error(
    ngx_http_tlsrpt_redis_codec_t *codec);

void ngx_http_tlsrpt_redis_reply_free(tlsrpt_reply_t *reply);

/* A command as it is sent; NULL: no memory.  _free() gives it back. */
u_char *ngx_http_tlsrpt_redis_encode(const tlsrpt_command_t *command,
    size_t *len);
/* The same command, an EVALSHA of the script, as EVAL with its text. */
u_char *ngx_http_tlsrpt_redis_encode_eval(const tlsrpt_script_t *script,
    const u_char *evalsha, size_t evalsha_len, size_t *len);
void ngx_http_tlsrpt_redis_encode_free(u_char *bytes);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_REDIS_CODEC_H */
