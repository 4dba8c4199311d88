/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_index.h"


static void ngx_http_tlsrpt_index_arg(ngx_http_tlsrpt_index_t *index,
    const void *arg, size_t len);


ngx_int_t
ngx_http_tlsrpt_index_after(ngx_http_request_t *r,
    ngx_http_tlsrpt_index_t *index, tlsrpt_str_t name, ngx_uint_t n)
{
    u_char                       *min, *p;
    ngx_http_tlsrpt_main_conf_t  *tmcf;

    tmcf = ngx_http_get_module_main_conf(r, ngx_http_tlsrpt_module);

    min = ngx_pnalloc(r->pool, name.len + 1);
    if (min == NULL) {
        return NGX_ERROR;
    }

    min[0] = name.len ? '(' : '-';
    ngx_memcpy(min + 1, name.len ? name.data : "", name.len);

    index->command.argv = index->argv;
    index->command.argvlen = index->argvlen;
    index->command.argc = 0;
    index->command.key = 1;
    index->command.script = 0;

    ngx_http_tlsrpt_index_arg(index, "ZRANGEBYLEX", sizeof("ZRANGEBYLEX") - 1);
    p = ngx_sprintf(index->key, "%V:domains", &tmcf->redis.prefix);
    ngx_http_tlsrpt_index_arg(index, index->key, (size_t) (p - index->key));
    ngx_http_tlsrpt_index_arg(index, min, name.len + 1);
    ngx_http_tlsrpt_index_arg(index, "+", 1);
    ngx_http_tlsrpt_index_arg(index, "LIMIT", sizeof("LIMIT") - 1);
    ngx_http_tlsrpt_index_arg(index, "0", 1);
    p = ngx_sprintf(index->count, "%ui", n);
    ngx_http_tlsrpt_index_arg(index, index->count, (size_t) (p - index->count));

    return NGX_OK;
}


static void
ngx_http_tlsrpt_index_arg(ngx_http_tlsrpt_index_t *index, const void *arg,
    size_t len)
{
    index->argv[index->command.argc] = arg;
    index->argvlen[index->command.argc] = len;
    index->command.argc++;
}


ngx_int_t
ngx_http_tlsrpt_index_next(ngx_http_request_t *r,
    ngx_http_tlsrpt_index_t *index, const tlsrpt_reply_t *reply, ngx_uint_t n)
{
    tlsrpt_str_t           name;
    const tlsrpt_reply_t  *last;

    if (reply->nelements < n) {
        return NGX_DONE;
    }

    last = reply->elements[reply->nelements - 1];

    if (last->type != TLSRPT_REPLY_STRING) {
        return NGX_DONE;
    }

    name.data = last->str;
    name.len = last->len;

    return ngx_http_tlsrpt_index_after(r, index, name, n);
}


ngx_uint_t
ngx_http_tlsrpt_index_is_domain(const char *name, size_t len)
{
    char  buf[TLSRPT_DOMAIN_LEN + 1];

    return len && len <= TLSRPT_DOMAIN_LEN
           && tlsrpt_domain_normalize(name, len, buf) == len
           && ngx_memcmp(name, buf, len) == 0;
}
