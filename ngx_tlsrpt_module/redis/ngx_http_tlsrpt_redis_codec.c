/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_redis_codec.h"

#include <hiredis/hiredis.h>


/* hiredis 0.14 counts the elements of an array by int, 1.0 by size_t. */
#if (HIREDIS_MAJOR >= 1)
typedef size_t  ngx_http_tlsrpt_redis_elements_t;
#else
typedef int     ngx_http_tlsrpt_redis_elements_t;
#endif


struct ngx_http_tlsrpt_redis_codec_s {
    redisReader  *reader;
    size_t        pending;                  /* bytes fed since a whole reply */
};


static u_char *ngx_http_tlsrpt_redis_encode_count(u_char *p, u_char type,
    size_t n);
static void *ngx_http_tlsrpt_redis_create_string(const redisReadTask *task,
    char *str, size_t len);
static void *ngx_http_tlsrpt_redis_create_array(const redisReadTask *task,
    ngx_http_tlsrpt_redis_elements_t n);
static void *ngx_http_tlsrpt_redis_create_integer(const redisReadTask *task,
    long long value);
static void *ngx_http_tlsrpt_redis_create_nil(const redisReadTask *task);
#if (HIREDIS_MAJOR >= 1)
static void *ngx_http_tlsrpt_redis_create_double(const redisReadTask *task,
    double value, char *str, size_t len);
static void *ngx_http_tlsrpt_redis_create_bool(const redisReadTask *task,
    int value);
#endif
static void ngx_http_tlsrpt_redis_free_object(void *object);


static redisReplyObjectFunctions  ngx_http_tlsrpt_redis_functions = {
    .createString = ngx_http_tlsrpt_redis_create_string,
    .createArray = ngx_http_tlsrpt_redis_create_array,
    .createInteger = ngx_http_tlsrpt_redis_create_integer,
#if (HIREDIS_MAJOR >= 1)
    /* RESP 3 is never asked for; without these, though, hiredis would put
       numbers where it is handed pointers. */
    .createDouble = ngx_http_tlsrpt_redis_create_double,
    .createBool = ngx_http_tlsrpt_redis_create_bool,
#endif
    .createNil = ngx_http_tlsrpt_redis_create_nil,
    .freeObject = ngx_http_tlsrpt_redis_free_object
};


ngx_http_tlsrpt_redis_codec_t *
ngx_http_tlsrpt_redis_codec_create(void)
{
    ngx_http_tlsrpt_redis_codec_t  *codec;

    codec = malloc(sizeof(ngx_http_tlsrpt_redis_codec_t));
    if (codec == NULL) {
        return NULL;
    }

    codec->pending = 0;
    codec->reader = redisReaderCreateWithFunctions(
                                             &ngx_http_tlsrpt_redis_functions);

    if (codec->reader == NULL) {
        free(codec);
        return NULL;
    }

    return codec;
}


void
ngx_http_tlsrpt_redis_codec_destroy(ngx_http_tlsrpt_redis_codec_t *codec)
{
    if (codec == NULL) {
        return;
    }

    redisReaderFree(codec->reader);
    free(codec);
}


ngx_int_t
ngx_http_tlsrpt_redis_codec_feed(ngx_http_tlsrpt_redis_codec_t *codec,
    const u_char *data, size_t len)
{
    codec->pending += len;

    if (redisReaderFeed(codec->reader, (const char *) data, len) != REDIS_OK) {
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_tlsrpt_redis_codec_next(ngx_http_tlsrpt_redis_codec_t *codec,
    tlsrpt_reply_t **reply)
{
    void  *object;

    object = NULL;

    if (redisReaderGetReply(codec->reader, &object) != REDIS_OK) {
        return NGX_ERROR;
    }

    if (object != NULL) {
        codec->pending = 0;
        *reply = object;
        return NGX_OK;
    }

    if (codec->pending > NGX_HTTP_TLSRPT_REDIS_MAX_REPLY) {
        return NGX_ERROR;
    }

    return NGX_AGAIN;
}


const char *
ngx_http_tlsrpt_redis_codec_error(ngx_http_tlsrpt_redis_codec_t *codec)
{
    if (codec->reader->err) {
        return codec->reader->errstr;
    }

    return "the reply is too large";
}


/* By hand, as are the counts: redisFormatCommandArgv() calls sprintf() for each
   part, of which an ingest has nearly thirty. */

u_char *
ngx_http_tlsrpt_redis_encode(const tlsrpt_command_t *command, size_t *len)
{
    size_t         i, size;
    u_char        *bytes, *p;
    const size_t  *argvlen;

    argvlen = command->argvlen;

    size = sizeof("*\r\n") - 1 + NGX_SIZE_T_LEN;

    for (i = 0; i < command->argc; i++) {
        size += sizeof("$\r\n\r\n") - 1 + NGX_SIZE_T_LEN + argvlen[i];
    }

    bytes = malloc(size);
    if (bytes == NULL) {
        return NULL;
    }

    p = ngx_http_tlsrpt_redis_encode_count(bytes, '*', command->argc);

    for (i = 0; i < command->argc; i++) {
        p = ngx_http_tlsrpt_redis_encode_count(p, '$', argvlen[i]);
        p = ngx_cpymem(p, command->argv[i], argvlen[i]);
        *p++ = '\r';
        *p++ = '\n';
    }

    *len = (size_t) (p - bytes);

    return bytes;
}


static u_char *
ngx_http_tlsrpt_redis_encode_count(u_char *p, u_char type, size_t n)
{
    u_char  digits[NGX_SIZE_T_LEN], *last, *digit;

    last = digits + NGX_SIZE_T_LEN;
    digit = last;

    do {
        *--digit = (u_char) ('0' + n % 10);
        n /= 10;
    } while (n);

    *p++ = type;
    p = ngx_cpymem(p, digit, (size_t) (last - digit));
    *p++ = '\r';
    *p++ = '\n';

    return p;
}


/* The first three parts of a command: "*N", the name and the script; the rest
   is the same. */

u_char *
ngx_http_tlsrpt_redis_encode_eval(const tlsrpt_script_t *script,
    const u_char *evalsha, size_t evalsha_len, size_t *len)
{
    size_t         size;
    u_char        *bytes, *p;
    const u_char  *head, *rest, *last;

    static const char  name[] = "$7\r\nEVALSHA\r\n$40\r\n";

    last = evalsha + evalsha_len;

    for (head = evalsha; *head != '\n'; head++) { /* void */ }

    head++;
    rest = head + sizeof(name) - 1 + 40 + 2;

    size = evalsha_len + sizeof("$4\r\nEVAL\r\n$\r\n\r\n") + NGX_SIZE_T_LEN
           + script->len;

    bytes = malloc(size);
    if (bytes == NULL) {
        return NULL;
    }

    p = ngx_cpymem(bytes, evalsha, (size_t) (head - evalsha));
    p = ngx_cpymem(p, "$4\r\nEVAL\r\n", sizeof("$4\r\nEVAL\r\n") - 1);
    p = ngx_http_tlsrpt_redis_encode_count(p, '$', script->len);
    p = ngx_cpymem(p, script->text, script->len);
    *p++ = '\r';
    *p++ = '\n';
    p = ngx_cpymem(p, rest, (size_t) (last - rest));

    *len = (size_t) (p - bytes);

    return bytes;
}


void
ngx_http_tlsrpt_redis_encode_free(u_char *bytes)
{
    free(bytes);
}


void
ngx_http_tlsrpt_redis_reply_free(tlsrpt_reply_t *reply)
{
    size_t  i;

    if (reply == NULL) {
        return;
    }

    /* At most NGX_HTTP_TLSRPT_REDIS_MAX_DEPTH levels. */

    for (i = 0; i < reply->nelements; i++) {
        ngx_http_tlsrpt_redis_reply_free(reply->elements[i]);
    }

    free(reply);
}


/* One allocation a reply: extra bytes follow the structure. */

static tlsrpt_reply_t *
ngx_http_tlsrpt_redis_create_reply(const redisReadTask *task, int type,
    size_t extra)
{
    tlsrpt_reply_t  *reply, *parent;

    reply = malloc(sizeof(tlsrpt_reply_t) + extra);
    if (reply == NULL) {
        return NULL;
    }

    ngx_memzero(reply, sizeof(tlsrpt_reply_t));
    reply->type = type;

    if (task->parent) {
        parent = task->parent->obj;
        parent->elements[task->idx] = reply;
    }

    return reply;
}


static void *
ngx_http_tlsrpt_redis_create_string(const redisReadTask *task, char *str,
    size_t len)
{
    int              type;
    char            *copy;
    tlsrpt_reply_t  *reply;

    type = (task->type == REDIS_REPLY_ERROR) ? TLSRPT_REPLY_ERROR
                                             : TLSRPT_REPLY_STRING;

    reply = ngx_http_tlsrpt_redis_create_reply(task, type, len + 1);
    if (reply == NULL) {
        return NULL;
    }

    copy = (char *) (reply + 1);
    ngx_memcpy(copy, str, len);
    copy[len] = '\0';

    reply->str = copy;
    reply->len = len;

    return reply;
}


static void *
ngx_http_tlsrpt_redis_create_array(const redisReadTask *task,
    ngx_http_tlsrpt_redis_elements_t n)
{
    size_t                size, depth;
    tlsrpt_reply_t       *reply;
    const redisReadTask  *above;

    depth = 0;

    for (above = task->parent; above; above = above->parent) {
        depth++;
    }

    if (n > NGX_HTTP_TLSRPT_REDIS_MAX_ELEMENTS
        || depth >= NGX_HTTP_TLSRPT_REDIS_MAX_DEPTH)
    {
        return NULL;
    }

    size = (size_t) n * sizeof(tlsrpt_reply_t *);

    reply = ngx_http_tlsrpt_redis_create_reply(task, TLSRPT_REPLY_ARRAY, size);
    if (reply == NULL) {
        return NULL;
    }

    reply->nelements = (size_t) n;
    reply->elements = (tlsrpt_reply_t **) (reply + 1);
    ngx_memzero(reply->elements, size);

    return reply;
}


static void *
ngx_http_tlsrpt_redis_create_integer(const redisReadTask *task,
    long long value)
{
    tlsrpt_reply_t  *reply;

    reply = ngx_http_tlsrpt_redis_create_reply(task, TLSRPT_REPLY_INTEGER, 0);
    if (reply != NULL) {
        reply->integer = value;
    }

    return reply;
}


static void *
ngx_http_tlsrpt_redis_create_nil(const redisReadTask *task)
{
    return ngx_http_tlsrpt_redis_create_reply(task, TLSRPT_REPLY_NIL, 0);
}


#if (HIREDIS_MAJOR >= 1)

static void *
ngx_http_tlsrpt_redis_create_double(const redisReadTask *task, double value,
    char *str, size_t len)
{
    return ngx_http_tlsrpt_redis_create_string(task, str, len);
}


static void *
ngx_http_tlsrpt_redis_create_bool(const redisReadTask *task, int value)
{
    /* nil, as an integer would mean something to a handler */
    return ngx_http_tlsrpt_redis_create_nil(task);
}

#endif


static void
ngx_http_tlsrpt_redis_free_object(void *object)
{
    ngx_http_tlsrpt_redis_reply_free(object);
}
