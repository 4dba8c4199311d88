/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The floor of collecting: a POST whose body nobody reads, and a command whose
 * arguments were made beforehand, by the same Redis client.  Only what keeps
 * Redis from taking all reports for the same one is written anew: the digest
 * and the number in the domain's name.
 *
 *     tlsrpt_floor FILE;      location
 *
 * FILE: the digest, the same as a number, then the command: each as (length as
 * 4 bytes; bytes).
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_tlsrpt_counters.h"
#include "ngx_http_tlsrpt_redis.h"


#define NGX_HTTP_TLSRPT_FLOOR_ARGS     64
#define NGX_HTTP_TLSRPT_FLOOR_PLACES   64
#define NGX_HTTP_TLSRPT_FLOOR_DOMAINS  1000
#define NGX_HTTP_TLSRPT_FLOOR_ANSWER                                          \
    "{\"status\":\"stored\",\"policy-domains\":[\"d0000000.bench.example\"]}"

typedef struct {
    ngx_str_t                     file;     /* its bytes */
    tlsrpt_command_t              command;  /* of these */
    const char                   *argv[NGX_HTTP_TLSRPT_FLOOR_ARGS];
    size_t                        argvlen[NGX_HTTP_TLSRPT_FLOOR_ARGS];
    ngx_uint_t                    ndigests;
    u_char                       *digests[NGX_HTTP_TLSRPT_FLOOR_PLACES];
    ngx_uint_t                    ndomains;
    u_char                       *domains[NGX_HTTP_TLSRPT_FLOOR_PLACES];
    u_char                       *number;   /* the last eight digits */
    uint64_t                      count;
} ngx_http_tlsrpt_floor_loc_conf_t;

typedef struct {
    ngx_http_tlsrpt_redis_conf_t  redis;
    ngx_http_tlsrpt_redis_t      *client;
} ngx_http_tlsrpt_floor_main_conf_t;


static ngx_int_t ngx_http_tlsrpt_floor_handler(ngx_http_request_t *r);
static void ngx_http_tlsrpt_floor_reply(void *data,
    const tlsrpt_reply_t *reply, ngx_uint_t why);
static ngx_int_t ngx_http_tlsrpt_floor_send(ngx_http_request_t *r,
    ngx_uint_t status);
static void ngx_http_tlsrpt_floor_patch(
    ngx_http_tlsrpt_floor_loc_conf_t *tflc);
static char *ngx_http_tlsrpt_floor(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_http_tlsrpt_floor_read(ngx_conf_t *cf, ngx_str_t *name,
    ngx_str_t *bytes);
static ngx_int_t ngx_http_tlsrpt_floor_parse(
    ngx_http_tlsrpt_floor_loc_conf_t *tflc);
static char *ngx_http_tlsrpt_floor_redis(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static void *ngx_http_tlsrpt_floor_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_tlsrpt_floor_create_loc_conf(ngx_conf_t *cf);


static ngx_command_t  ngx_http_tlsrpt_floor_commands[] = {

    { ngx_string("tlsrpt_floor_redis"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_tlsrpt_floor_redis,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("tlsrpt_floor"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_tlsrpt_floor,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_tlsrpt_floor_module_ctx = {
    NULL,                                   /* preconfiguration */
    NULL,                                   /* postconfiguration */

    ngx_http_tlsrpt_floor_create_main_conf, /* create main configuration */
    NULL,                                   /* init main configuration */

    NULL,                                   /* create server configuration */
    NULL,                                   /* merge server configuration */

    ngx_http_tlsrpt_floor_create_loc_conf,  /* create location configuration */
    NULL                                    /* merge location configuration */
};


ngx_module_t  ngx_http_tlsrpt_floor_module = {
    NGX_MODULE_V1,
    &ngx_http_tlsrpt_floor_module_ctx,      /* module context */
    ngx_http_tlsrpt_floor_commands,         /* module directives */
    NGX_HTTP_MODULE,                        /* module type */
    NULL,                                   /* init master */
    NULL,                                   /* init module */
    NULL,                                   /* init process */
    NULL,                                   /* init thread */
    NULL,                                   /* exit thread */
    NULL,                                   /* exit process */
    NULL,                                   /* exit master */
    NGX_MODULE_V1_PADDING
};


/* What nginx looks for in a module that its configure has not made. */

ngx_module_t  *ngx_modules[] = { &ngx_http_tlsrpt_floor_module, NULL };
char  *ngx_module_names[] = { "ngx_http_tlsrpt_floor_module", NULL };
char  *ngx_module_order[] = { NULL };


/* The client counts for the metrics, which are not here. */

void
ngx_http_tlsrpt_count_command(ngx_uint_t answered, ngx_msec_t waited)
{
}


void
ngx_http_tlsrpt_count_queue(ngx_uint_t length)
{
}


static ngx_int_t
ngx_http_tlsrpt_floor_handler(ngx_http_request_t *r)
{
    ngx_int_t                           rc;
    ngx_http_tlsrpt_floor_loc_conf_t   *tflc;
    ngx_http_tlsrpt_floor_main_conf_t  *tfmc;

    tflc = ngx_http_get_module_loc_conf(r, ngx_http_tlsrpt_floor_module);
    tfmc = ngx_http_get_module_main_conf(r, ngx_http_tlsrpt_floor_module);

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    if (tfmc->client == NULL) {
        tfmc->client = ngx_http_tlsrpt_redis_create(&tfmc->redis,
                                                    ngx_cycle->log);
        if (tfmc->client == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    ngx_http_tlsrpt_floor_patch(tflc);

    rc = ngx_http_tlsrpt_redis_send(tfmc->client, &tflc->command,
                                    ngx_http_tlsrpt_floor_reply, r);
    if (rc != NGX_OK) {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    r->main->count++;

    return NGX_DONE;
}


static void
ngx_http_tlsrpt_floor_reply(void *data, const tlsrpt_reply_t *reply,
    ngx_uint_t why)
{
    ngx_uint_t           status;
    ngx_connection_t    *c;
    ngx_http_request_t  *r = data;

    c = r->connection;
    status = NGX_HTTP_SERVICE_UNAVAILABLE;

    if (reply && reply->type == TLSRPT_REPLY_INTEGER) {
        status = reply->integer ? NGX_HTTP_CREATED : NGX_HTTP_OK;
    }

    ngx_http_finalize_request(r, ngx_http_tlsrpt_floor_send(r, status));
    ngx_http_run_posted_requests(c);
}


static ngx_int_t
ngx_http_tlsrpt_floor_send(ngx_http_request_t *r, ngx_uint_t status)
{
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_chain_t   out;

    static u_char  answer[] = NGX_HTTP_TLSRPT_FLOOR_ANSWER;

    r->headers_out.status = status;
    r->headers_out.content_length_n = sizeof(answer) - 1;
    ngx_str_set(&r->headers_out.content_type, "application/json");

    rc = ngx_http_send_header(r);
    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->pos = answer;
    b->last = answer + sizeof(answer) - 1;
    b->memory = 1;
    b->last_buf = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


static void
ngx_http_tlsrpt_floor_patch(ngx_http_tlsrpt_floor_loc_conf_t *tflc)
{
    u_char      number[9];
    uint64_t    count;
    ngx_uint_t  i;

    count = ++tflc->count;

    if (tflc->number) {
        ngx_sprintf(number, "%08uL", count);
        ngx_memcpy(tflc->number, number, 8);
    }

    ngx_sprintf(number, "%07uL", count % NGX_HTTP_TLSRPT_FLOOR_DOMAINS);

    for (i = 0; i < tflc->ndigests; i++) {
        ngx_memcpy(tflc->digests[i], &count, sizeof(uint64_t));
    }

    for (i = 0; i < tflc->ndomains; i++) {
        ngx_memcpy(tflc->domains[i], number, 7);
    }
}


static char *
ngx_http_tlsrpt_floor(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_tlsrpt_floor_loc_conf_t *tflc = conf;

    ngx_str_t                 *value;
    ngx_http_core_loc_conf_t  *clcf;

    value = cf->args->elts;

    if (ngx_http_tlsrpt_floor_read(cf, &value[1], &tflc->file) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno, "\"%V\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_tlsrpt_floor_parse(tflc) != NGX_OK) {
        return "is no command";
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_tlsrpt_floor_handler;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_tlsrpt_floor_read(ngx_conf_t *cf, ngx_str_t *name, ngx_str_t *bytes)
{
    off_t            size;
    ssize_t          n;
    ngx_file_t       file;
    ngx_file_info_t  fi;

    ngx_memzero(&file, sizeof(ngx_file_t));
    file.name = *name;
    file.log = cf->log;
    file.fd = ngx_open_file(name->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (file.fd == NGX_INVALID_FILE) {
        return NGX_ERROR;
    }

    n = -1;
    size = (ngx_fd_info(file.fd, &fi) == NGX_FILE_ERROR) ? 0
                                                         : ngx_file_size(&fi);
    bytes->data = ngx_palloc(cf->pool, size + 1);

    if (bytes->data) {
        n = ngx_read_file(&file, bytes->data, size, 0);
    }

    bytes->len = size;
    (void) ngx_close_file(file.fd);

    return (n == size) ? NGX_OK : NGX_ERROR;
}


/* Where the digest and the domain's number stand is remembered. */

static ngx_int_t
ngx_http_tlsrpt_floor_parse(ngx_http_tlsrpt_floor_loc_conf_t *tflc)
{
    u_char      *p, *last, *digest;
    ngx_str_t    word, number;
    uint32_t     len;
    ngx_uint_t   n;

    static const char  domain[] = "d0000000.";

    digest = NULL;
    ngx_str_null(&number);
    p = tflc->file.data;
    last = p + tflc->file.len;

    tflc->command.argv = tflc->argv;
    tflc->command.argvlen = tflc->argvlen;

    for (n = 0;
         last - p >= 4 && tflc->command.argc < NGX_HTTP_TLSRPT_FLOOR_ARGS;
         n++)
    {
        ngx_memcpy(&len, p, 4);
        word.data = p + 4;
        word.len = len;
        p = word.data + word.len;

        if (n == 0) {
            digest = word.data;
            continue;
        }

        if (n == 1) {
            number = word;
            continue;
        }

        if (word.len == number.len && word.len > 8
            && ngx_memcmp(word.data, number.data, word.len) == 0)
        {
            tflc->number = p - 8;
        }

        tflc->argv[tflc->command.argc] = (const char *) word.data;
        tflc->argvlen[tflc->command.argc++] = word.len;
    }

    if (p != last || tflc->command.argc == 0) {
        return NGX_ERROR;
    }

    for (p = digest + 8; last - p >= 8; p++) {
        if (ngx_memcmp(p, digest, 8) == 0
            && tflc->ndigests < NGX_HTTP_TLSRPT_FLOOR_PLACES)
        {
            tflc->digests[tflc->ndigests++] = p;
        }

        if (last - p > 8 && ngx_memcmp(p, domain, sizeof(domain) - 1) == 0
            && tflc->ndomains < NGX_HTTP_TLSRPT_FLOOR_PLACES)
        {
            tflc->domains[tflc->ndomains++] = p + 1;
        }
    }

    return (tflc->ndomains && (tflc->ndigests || tflc->number)) ? NGX_OK
                                                                : NGX_ERROR;
}


static char *
ngx_http_tlsrpt_floor_redis(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_tlsrpt_floor_main_conf_t *tfmc = conf;

    ngx_url_t   u;
    ngx_str_t  *value;

    value = cf->args->elts;

    ngx_memzero(&u, sizeof(ngx_url_t));
    u.url = value[1];

    if (ngx_parse_url(cf->pool, &u) != NGX_OK || u.naddrs == 0) {
        return "has no address";
    }

    tfmc->redis.name = value[1];
    tfmc->redis.addrs = u.addrs;
    tfmc->redis.naddrs = u.naddrs;
    tfmc->redis.timeout = 2000;
    ngx_str_set(&tfmc->redis.prefix, "tlsrpt");

    return NGX_CONF_OK;
}


static void *
ngx_http_tlsrpt_floor_create_main_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_tlsrpt_floor_main_conf_t));
}


static void *
ngx_http_tlsrpt_floor_create_loc_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_tlsrpt_floor_loc_conf_t));
}
