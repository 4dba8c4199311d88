/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_error.h"
#include "ngx_http_tlsrpt_send.h"
#include "ngx_http_tlsrpt_text.h"


static ngx_temp_file_t *ngx_http_tlsrpt_text_file(ngx_http_request_t *r);
static ngx_int_t ngx_http_tlsrpt_text_chain(ngx_http_request_t *r,
    ngx_http_tlsrpt_text_t *text, tlsrpt_buf_t *buf, ngx_chain_t ***last);
static ngx_buf_t *ngx_http_tlsrpt_text_link(ngx_http_request_t *r,
    ngx_chain_t ***last);


ngx_int_t
ngx_http_tlsrpt_text_spill(ngx_http_request_t *r, ngx_http_tlsrpt_text_t *text,
    tlsrpt_buf_t *buf, size_t over)
{
    ssize_t      n;
    ngx_buf_t    b;
    ngx_chain_t  out;

    if (buf->failed) {
        return NGX_ERROR;
    }

    if (buf->len <= over) {
        return NGX_OK;
    }

    if (text->file == NULL) {
        text->file = ngx_http_tlsrpt_text_file(r);
        if (text->file == NULL) {
            return NGX_ERROR;
        }
    }

    ngx_memzero(&b, sizeof(ngx_buf_t));

    b.pos = (u_char *) buf->data;
    b.last = b.pos + buf->len;
    b.memory = 1;

    out.buf = &b;
    out.next = NULL;

    n = ngx_write_chain_to_temp_file(text->file, &out);
    if (n != (ssize_t) buf->len) {
        return NGX_ERROR;
    }

    text->file->offset += n;
    text->size += n;
    buf->len = 0;

    return NGX_OK;
}


static ngx_temp_file_t *
ngx_http_tlsrpt_text_file(ngx_http_request_t *r)
{
    ngx_temp_file_t           *file;
    ngx_http_core_loc_conf_t  *clcf;

    file = ngx_pcalloc(r->pool, sizeof(ngx_temp_file_t));
    if (file == NULL) {
        return NULL;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    file->file.fd = NGX_INVALID_FILE;
    file->file.log = r->connection->log;
    file->path = clcf->client_body_temp_path;
    file->pool = r->pool;
    file->access = 0600;
    file->clean = 1;

    return file;
}


ngx_int_t
ngx_http_tlsrpt_text_send(ngx_http_request_t *r, const char *type,
    ngx_http_tlsrpt_text_t *texts, tlsrpt_buf_t **bufs, ngx_uint_t n)
{
    off_t         size;
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_uint_t    i;
    ngx_chain_t  *out, **last;

    size = 0;
    last = &out;

    for (i = 0; i < n; i++) {
        size += texts[i].size + (off_t) bufs[i]->len;

        if (bufs[i]->failed
            || ngx_http_tlsrpt_text_chain(r, &texts[i], bufs[i], &last)
               != NGX_OK)
        {
            return ngx_http_tlsrpt_error(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                           "out of memory");
        }
    }

    b = ngx_http_tlsrpt_text_link(r, &last);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    b->last_buf = (r == r->main);
    b->last_in_chain = 1;
    *last = NULL;

    rc = ngx_http_tlsrpt_send_head(r, NGX_HTTP_OK, type, size);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    return ngx_http_output_filter(r, out);
}


static ngx_int_t
ngx_http_tlsrpt_text_chain(ngx_http_request_t *r, ngx_http_tlsrpt_text_t *text,
    tlsrpt_buf_t *buf, ngx_chain_t ***last)
{
    ngx_buf_t           *b;
    ngx_pool_cleanup_t  *cln;

    if (text->size) {
        if (ngx_http_tlsrpt_text_spill(r, text, buf, 0) != NGX_OK) {
            return NGX_ERROR;
        }

        b = ngx_http_tlsrpt_text_link(r, last);
        if (b == NULL) {
            return NGX_ERROR;
        }

        b->file = &text->file->file;
        b->file_last = text->size;
        b->in_file = 1;
    }

    if (buf->len == 0) {
        return NGX_OK;
    }

    b = ngx_http_tlsrpt_text_link(r, last);
    cln = b ? ngx_pool_cleanup_add(r->pool, 0) : NULL;

    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = free;
    cln->data = buf->data;

    b->pos = (u_char *) buf->data;
    b->last = b->pos + buf->len;
    b->memory = 1;

    ngx_memzero(buf, sizeof(tlsrpt_buf_t));

    return NGX_OK;
}


static ngx_buf_t *
ngx_http_tlsrpt_text_link(ngx_http_request_t *r, ngx_chain_t ***last)
{
    ngx_chain_t  *cl;

    cl = ngx_alloc_chain_link(r->pool);
    if (cl == NULL) {
        return NULL;
    }

    cl->buf = ngx_calloc_buf(r->pool);
    if (cl->buf == NULL) {
        return NULL;
    }

    **last = cl;
    *last = &cl->next;

    return cl->buf;
}
