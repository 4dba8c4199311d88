/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_index.h"


static void ngx_http_tlsrpt_index_destroy(void *data);


ngx_int_t
ngx_http_tlsrpt_index_after(ngx_http_request_t *r,
    ngx_http_tlsrpt_index_t *index, tlsrpt_str_t name, ngx_uint_t n)
{
    ngx_pool_cleanup_t  *cln;

    if (index->command == NULL) {
        cln = ngx_pool_cleanup_add(r->pool, 0);
        if (cln == NULL) {
            return NGX_ERROR;
        }

        cln->handler = ngx_http_tlsrpt_index_destroy;
        cln->data = index;
    }

    tlsrpt_command_destroy(index->command);
    index->command = tlsrpt_index_page(ngx_http_tlsrpt_prefix(r), name, n);

    return index->command ? NGX_OK : NGX_ERROR;
}


static void
ngx_http_tlsrpt_index_destroy(void *data)
{
    ngx_http_tlsrpt_index_t *index = data;

    tlsrpt_command_destroy(index->command);
    index->command = NULL;
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
