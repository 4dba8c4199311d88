/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_params.h"


/* More than any resource knows, so that every valid query string fits. */
#define NGX_HTTP_TLSRPT_PARAMS_MAX       16
#define NGX_HTTP_TLSRPT_PARAM_NAME_LEN   32
#define NGX_HTTP_TLSRPT_PARAM_VALUE_LEN  4096


typedef struct {
    u_char  name[NGX_HTTP_TLSRPT_PARAM_NAME_LEN];
    size_t  len;
} ngx_http_tlsrpt_param_name_t;


static int ngx_http_tlsrpt_param(ngx_str_t *arg,
    ngx_http_tlsrpt_param_name_t *given, ngx_uint_t ngiven,
    ngx_http_tlsrpt_param_pt handler, void *data, tlsrpt_error_t *error);
static int ngx_http_tlsrpt_param_name(ngx_str_t *raw,
    ngx_http_tlsrpt_param_name_t *given, ngx_uint_t ngiven,
    tlsrpt_error_t *error);
static int ngx_http_tlsrpt_param_value(ngx_str_t *raw, u_char *buf,
    tlsrpt_str_t name, tlsrpt_str_t *value, tlsrpt_error_t *error);
static int ngx_http_tlsrpt_param_refuse(void *data, tlsrpt_str_t name,
    tlsrpt_str_t value, tlsrpt_error_t *error);
static ngx_int_t ngx_http_tlsrpt_unescape(ngx_str_t *raw, u_char *buf,
    size_t *len);
static ngx_uint_t ngx_http_tlsrpt_utf8(u_char *p, size_t len);


int
ngx_http_tlsrpt_params(ngx_http_request_t *r, ngx_http_tlsrpt_param_pt handler,
    void *data, tlsrpt_error_t *error)
{
    int                            rc;
    u_char                        *p, *last, *amp;
    ngx_str_t                      arg;
    ngx_uint_t                     n;
    tlsrpt_str_t                   none = { NULL, 0 };
    ngx_http_tlsrpt_param_name_t   given[NGX_HTTP_TLSRPT_PARAMS_MAX];

    p = r->args.data;
    last = p + r->args.len;
    n = 0;

    for ( /* void */ ; p < last; p = amp + 1) {
        amp = ngx_strlchr(p, last, '&');
        if (amp == NULL) {
            amp = last;
        }

        if (amp == p) {
            continue;
        }

        if (n == NGX_HTTP_TLSRPT_PARAMS_MAX) {
            return tlsrpt_param_fail(error, none, "too many parameters");
        }

        arg.data = p;
        arg.len = amp - p;

        rc = ngx_http_tlsrpt_param(&arg, given, n++, handler, data, error);
        if (rc != TLSRPT_OK) {
            return rc;
        }
    }

    return TLSRPT_OK;
}


static int
ngx_http_tlsrpt_param_refuse(void *data, tlsrpt_str_t name,
    tlsrpt_str_t value, tlsrpt_error_t *error)
{
    return tlsrpt_param_unknown(error, name);
}


int
ngx_http_tlsrpt_params_none(ngx_http_request_t *r, tlsrpt_error_t *error)
{
    return ngx_http_tlsrpt_params(r, ngx_http_tlsrpt_param_refuse, NULL,
                                  error);
}


static int
ngx_http_tlsrpt_param(ngx_str_t *arg, ngx_http_tlsrpt_param_name_t *given,
    ngx_uint_t ngiven, ngx_http_tlsrpt_param_pt handler, void *data,
    tlsrpt_error_t *error)
{
    int            rc;
    u_char        *eq, buf[NGX_HTTP_TLSRPT_PARAM_VALUE_LEN];
    ngx_str_t      raw;
    tlsrpt_str_t   name, value;

    eq = ngx_strlchr(arg->data, arg->data + arg->len, '=');

    raw.data = arg->data;
    raw.len = eq ? (size_t) (eq - arg->data) : arg->len;

    rc = ngx_http_tlsrpt_param_name(&raw, given, ngiven, error);
    if (rc != TLSRPT_OK) {
        return rc;
    }

    name.data = (char *) given[ngiven].name;
    name.len = given[ngiven].len;

    raw.data = eq ? eq + 1 : arg->data + arg->len;
    raw.len = arg->data + arg->len - raw.data;

    rc = ngx_http_tlsrpt_param_value(&raw, buf, name, &value, error);
    if (rc != TLSRPT_OK) {
        return rc;
    }

    return handler(data, name, value, error);
}


/* given[ngiven] becomes the name: short, plain, and the first of it. */

static int
ngx_http_tlsrpt_param_name(ngx_str_t *raw, ngx_http_tlsrpt_param_name_t *given,
    ngx_uint_t ngiven, tlsrpt_error_t *error)
{
    u_char                        *p;
    ngx_uint_t                     i;
    tlsrpt_str_t                   name = { NULL, 0 };
    ngx_http_tlsrpt_param_name_t  *own;

    own = &given[ngiven];

    /* what is longer escaped is longer than any name we know, too */

    if (raw->len > NGX_HTTP_TLSRPT_PARAM_NAME_LEN
        || ngx_http_tlsrpt_unescape(raw, own->name, &own->len) != NGX_OK)
    {
        return tlsrpt_param_unknown(error, name);
    }

    for (p = own->name; p < own->name + own->len; p++) {
        if (*p < 0x20 || *p > 0x7e) {
            return tlsrpt_param_unknown(error, name);
        }
    }

    name.data = (char *) own->name;
    name.len = own->len;

    for (i = 0; i < ngiven; i++) {
        if (given[i].len == own->len
            && ngx_memcmp(given[i].name, own->name, own->len) == 0)
        {
            return tlsrpt_param_fail(error, name, "given twice");
        }
    }

    return TLSRPT_OK;
}


static int
ngx_http_tlsrpt_param_value(ngx_str_t *raw, u_char *buf, tlsrpt_str_t name,
    tlsrpt_str_t *value, tlsrpt_error_t *error)
{
    if (raw->len > NGX_HTTP_TLSRPT_PARAM_VALUE_LEN) {
        return tlsrpt_param_fail(error, name, "too long");
    }

    if (ngx_http_tlsrpt_unescape(raw, buf, &value->len) != NGX_OK) {
        return tlsrpt_param_fail(error, name,
                                 "\"%\" without two hex digits");
    }

    if (!ngx_http_tlsrpt_utf8(buf, value->len)) {
        return tlsrpt_param_fail(error, name, "not UTF-8 text");
    }

    value->data = (char *) buf;

    return TLSRPT_OK;
}


/* As forms are sent: "+" is a space.  buf is at least as long as raw. */

static ngx_int_t
ngx_http_tlsrpt_unescape(ngx_str_t *raw, u_char *buf, size_t *len)
{
    u_char     *p, *last, *dst;
    ngx_int_t   ch;

    dst = buf;
    last = raw->data + raw->len;

    for (p = raw->data; p < last; p++) {
        if (*p == '+') {
            *dst++ = ' ';
            continue;
        }

        if (*p != '%') {
            *dst++ = *p;
            continue;
        }

        ch = (last - p > 2) ? ngx_hextoi(p + 1, 2) : NGX_ERROR;
        if (ch == NGX_ERROR) {
            return NGX_ERROR;
        }

        *dst++ = (u_char) ch;
        p += 2;
    }

    *len = dst - buf;

    return NGX_OK;
}


/* Strings of the core hold any UTF-8 but NUL. */

static ngx_uint_t
ngx_http_tlsrpt_utf8(u_char *p, size_t len)
{
    u_char    *last;
    uint32_t   ch;

    last = p + len;

    while (p < last) {
        if (*p < 0x80) {
            if (*p++ == '\0') {
                return 0;
            }

            continue;
        }

        ch = ngx_utf8_decode(&p, last - p);

        if (ch > 0x10ffff || (ch >= 0xd800 && ch <= 0xdfff)) {
            return 0;
        }
    }

    return 1;
}
