/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_report_uri.h"


#define NGX_HTTP_TLSRPT_MAX_URIS  16


/* As records shall name them (RFC 8460 3), so they must fit into one. */

char *
ngx_http_tlsrpt_report_uri(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_tlsrpt_main_conf_t  *tmcf = conf;

    u_char      *p;
    ngx_str_t   *value, *uri;
    ngx_uint_t   i;

    if (tmcf->report_uris) {
        return "is duplicate";
    }

    tmcf->report_uris = ngx_array_create(cf->pool, cf->args->nelts,
                                         sizeof(ngx_str_t));
    if (tmcf->report_uris == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "https://", 8) != 0
            && ngx_strncmp(value[i].data, "mailto:", 7) != 0)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\" begins neither with \"https://\" nor "
                               "with \"mailto:\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        for (p = value[i].data; *p; p++) {
            if (*p <= ' ' || *p >= 0x7f || *p == '"' || *p == '\\') {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "\"%V\" has a character that is not "
                                   "allowed in a URI", &value[i]);
                return NGX_CONF_ERROR;
            }
        }

        uri = ngx_array_push(tmcf->report_uris);
        if (uri == NULL) {
            return NGX_CONF_ERROR;
        }

        *uri = value[i];
    }

    if (tmcf->report_uris->nelts > NGX_HTTP_TLSRPT_MAX_URIS) {
        return "takes 16 addresses at most";
    }

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_tlsrpt_report_uri_of(ngx_str_t *uri, ngx_http_tlsrpt_domain_t *known,
    ngx_pool_t *pool, tlsrpt_str_t *made)
{
    u_char     *p, *at;
    ngx_str_t  *token;

    *made = ngx_http_tlsrpt_str(uri);

    if (known == NULL || known->token.len == 0
        || (uri->data[0] != 'h' && !known->enrolled))
    {
        return NGX_OK;
    }

    token = &known->token;
    at = uri->data + uri->len;

    if (uri->data[0] != 'h') {
        at = ngx_strlchr(uri->data, at, '@');

        if (at == NULL) {
            return NGX_OK;
        }
    }

    p = ngx_pnalloc(pool, uri->len + 1 + token->len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    made->data = (char *) p;
    p = ngx_cpymem(p, uri->data, at - uri->data);

    if (uri->data[0] != 'h') {
        *p++ = '+';

    } else if (p[-1] != '/') {
        *p++ = '/';
    }

    p = ngx_cpymem(p, token->data, token->len);
    p = ngx_cpymem(p, at, uri->data + uri->len - at);

    made->len = (size_t) (p - (u_char *) made->data);

    return NGX_OK;
}
