/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_send.h"


static ngx_int_t ngx_http_tlsrpt_send_type(ngx_http_request_t *r,
    ngx_uint_t status, const char *type);


/* The text is not copied: the pool frees it when the answer has left. */

ngx_int_t
ngx_http_tlsrpt_send_text(ngx_http_request_t *r, ngx_uint_t status,
    const char *type, char *text, size_t len)
{
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        free(text);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cln->handler = free;
    cln->data = text;

    return ngx_http_tlsrpt_send(r, status, type, (u_char *) text, len);
}


ngx_int_t
ngx_http_tlsrpt_send(ngx_http_request_t *r, ngx_uint_t status,
    const char *type, u_char *data, size_t len)
{
    ngx_int_t  rc;

    rc = ngx_http_tlsrpt_send_type(r, status, type);

    return (rc == NGX_OK) ? ngx_http_tlsrpt_send_body(r, data, len) : rc;
}


ngx_int_t
ngx_http_tlsrpt_send_head(ngx_http_request_t *r, ngx_uint_t status,
    const char *type, off_t len)
{
    ngx_int_t  rc;

    rc = ngx_http_tlsrpt_send_type(r, status, type);
    if (rc != NGX_OK) {
        return rc;
    }

    r->headers_out.content_length_n = len;

    return ngx_http_send_header(r);
}


static ngx_int_t
ngx_http_tlsrpt_send_type(ngx_http_request_t *r, ngx_uint_t status,
    const char *type)
{
    /* no answer is one of those that If-Match and the like could be about */
    r->disable_not_modified = 1;

    r->headers_out.status = status;
    r->headers_out.content_type.data = (u_char *) type;
    r->headers_out.content_type.len = ngx_strlen(type);
    r->headers_out.content_type_lowcase = NULL;

    /* gzip_types compares the type without its parameters */

    r->headers_out.content_type_len = strcspn(type, ";");

    /* nginx 1.22 has no reason phrase of its own for it (RFC 9110 15.5.21) */

    if (status == 422) {
        ngx_str_set(&r->headers_out.status_line, "422 Unprocessable Content");
    }

    if (ngx_http_tlsrpt_add_header(r, "Cache-Control", "no-store") != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_tlsrpt_send_body(ngx_http_request_t *r, const u_char *data,
    size_t len)
{
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_chain_t   out;

    r->headers_out.content_length_n = (off_t) len;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->pos = (u_char *) data;
    b->last = b->pos + len;
    b->memory = (len != 0);
    b->last_buf = (r == r->main);
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


ngx_int_t
ngx_http_tlsrpt_add_header(ngx_http_request_t *r, const char *key,
    const char *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->hash = 1;
    h->key.data = (u_char *) key;
    h->key.len = ngx_strlen(key);
    h->value.data = (u_char *) value;
    h->value.len = ngx_strlen(value);

    return NGX_OK;
}
