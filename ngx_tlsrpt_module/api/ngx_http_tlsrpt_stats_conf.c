/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_api.h"
#include "ngx_http_tlsrpt_dashboard.h"
#include "ngx_http_tlsrpt_location.h"
#include "ngx_http_tlsrpt_stats_conf.h"

#include <libdeflate.h>
#include <ngx_md5.h>


#define NGX_HTTP_TLSRPT_STATS_LEVEL  9          /* of gzip */
#define NGX_HTTP_TLSRPT_STATS_TAG    16         /* characters */

/* What stands in index.html in place of the attributes. */
#define NGX_HTTP_TLSRPT_STATS_MARK   "%%SERVER%%"


static const char *ngx_http_tlsrpt_stats_uri(const ngx_str_t *uri);
static ngx_int_t ngx_http_tlsrpt_stats_attributes(ngx_conf_t *cf,
    ngx_http_tlsrpt_loc_conf_t *tlcf, ngx_str_t *text);
static ngx_int_t ngx_http_tlsrpt_stats_index(ngx_conf_t *cf,
    const ngx_str_t *attributes, ngx_str_t *index);
static ngx_int_t ngx_http_tlsrpt_stats_gzip(ngx_conf_t *cf,
    const ngx_str_t *plain, ngx_str_t *gzip);
static ngx_int_t ngx_http_tlsrpt_stats_tag(ngx_conf_t *cf,
    const ngx_str_t *plain, ngx_str_t *tag);


char *
ngx_http_tlsrpt_stats(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_tlsrpt_loc_conf_t  *tlcf = conf;

    ngx_str_t                 *value;
    const char                *wrong;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->exact_match) {
        return "needs a location with others below it, not an exact one";
    }

    if (clcf->name.len && clcf->name.data[clcf->name.len - 1] == '/') {
        clcf->auto_redirect = 1;
    }

    if (cf->args->nelts == 2) {
        value = cf->args->elts;

        if (ngx_strncmp(value[1].data, "admin=", 6) != 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[1]);
            return NGX_CONF_ERROR;
        }

        tlcf->admin_uri.data = value[1].data + 6;
        tlcf->admin_uri.len = value[1].len - 6;
        wrong = ngx_http_tlsrpt_stats_uri(&tlcf->admin_uri);

        if (wrong) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid URI \"%V\" in \"admin\" of "
                               "\"tlsrpt_stats\": %s", &tlcf->admin_uri,
                               wrong);
            return NGX_CONF_ERROR;
        }
    }

    tlcf->stats = 1;

    return ngx_http_tlsrpt_location_handler(cf, cmd,
                                            ngx_http_tlsrpt_api_handler);
}


/* NULL, or what is wrong: browsers are sent there as it is. */

static const char *
ngx_http_tlsrpt_stats_uri(const ngx_str_t *uri)
{
    size_t  i;

    if (uri->len == 0 || uri->data[0] != '/') {
        return "it is a path on this host, and begins with \"/\"";
    }

    if (uri->len > 1 && (uri->data[1] == '/' || uri->data[1] == '\\')) {
        return "browsers take what follows \"//\" for another host";
    }

    for (i = 0; i < uri->len; i++) {
        if (uri->data[i] <= ' ' || uri->data[i] >= 0x7f
            || ngx_strchr("?#$\\\"", uri->data[i]))
        {
            return "it has only what a path has, and no variable";
        }
    }

    return NULL;
}


ngx_int_t
ngx_http_tlsrpt_stats_page(ngx_conf_t *cf, ngx_http_tlsrpt_loc_conf_t *tlcf)
{
    ngx_str_t  attributes;

    if (ngx_http_tlsrpt_stats_attributes(cf, tlcf, &attributes) != NGX_OK
        || ngx_http_tlsrpt_stats_index(cf, &attributes, &tlcf->index) != NGX_OK
        || ngx_http_tlsrpt_stats_gzip(cf, &tlcf->index, &tlcf->index_gzip)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_tlsrpt_stats_tag(cf, &tlcf->index, &tlcf->index_tag);
}


static ngx_int_t
ngx_http_tlsrpt_stats_attributes(ngx_conf_t *cf,
    ngx_http_tlsrpt_loc_conf_t *tlcf, ngx_str_t *text)
{
    u_char                       *p;
    ngx_str_t                    *uri;
    ngx_http_tlsrpt_main_conf_t  *tmcf;

    static const char  days[] = "data-retention=\"%ui\" "
                                "data-reports-retention=\"%ui\"";

    tmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_tlsrpt_module);
    uri = &tlcf->admin_uri;

    text->data = ngx_pnalloc(cf->pool,
                             sizeof(days) + 2 * NGX_INT_T_LEN
                             + sizeof(" data-admin=\"\"") + uri->len
                             + ngx_escape_html(NULL, uri->data, uri->len));
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_sprintf(text->data, days, tmcf->retention_days,
                    tmcf->report_days);

    if (uri->len) {
        p = ngx_sprintf(p, " data-admin=\"");
        p = (u_char *) ngx_escape_html(p, uri->data, uri->len);
        *p++ = '"';
    }

    text->len = p - text->data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_stats_index(ngx_conf_t *cf, const ngx_str_t *attributes,
    ngx_str_t *index)
{
    size_t                                   rest;
    u_char                                  *p, *mark;
    ngx_str_t                                path = ngx_string("");
    const ngx_http_tlsrpt_dashboard_file_t  *file;

    file = ngx_http_tlsrpt_dashboard_file(&path);
    mark = ngx_strnstr((u_char *) file->plain, NGX_HTTP_TLSRPT_STATS_MARK,
                       file->plain_len);

    if (mark == NULL) {
        ngx_log_error(NGX_LOG_ALERT, cf->log, 0,
                      "tlsrpt: index.html has no "
                      NGX_HTTP_TLSRPT_STATS_MARK);
        return NGX_ERROR;
    }

    index->data = ngx_pnalloc(cf->pool, file->plain_len + attributes->len);
    if (index->data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(index->data, file->plain, mark - file->plain);
    p = ngx_cpymem(p, attributes->data, attributes->len);

    mark += sizeof(NGX_HTTP_TLSRPT_STATS_MARK) - 1;
    rest = file->plain + file->plain_len - mark;
    p = ngx_cpymem(p, mark, rest);

    index->len = p - index->data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_stats_gzip(ngx_conf_t *cf, const ngx_str_t *plain,
    ngx_str_t *gzip)
{
    size_t                        size;
    struct libdeflate_compressor *c;

    c = libdeflate_alloc_compressor(NGX_HTTP_TLSRPT_STATS_LEVEL);
    if (c == NULL) {
        return NGX_ERROR;
    }

    size = libdeflate_gzip_compress_bound(c, plain->len);
    gzip->data = ngx_pnalloc(cf->pool, size);

    if (gzip->data) {
        gzip->len = libdeflate_gzip_compress(c, plain->data, plain->len,
                                             gzip->data, size);
    }

    libdeflate_free_compressor(c);

    return gzip->len ? NGX_OK : NGX_ERROR;
}


/* Of the whole text: another admin makes it another page. */

static ngx_int_t
ngx_http_tlsrpt_stats_tag(ngx_conf_t *cf, const ngx_str_t *plain,
    ngx_str_t *tag)
{
    u_char     digest[16];
    ngx_md5_t  md5;

    ngx_md5_init(&md5);
    ngx_md5_update(&md5, plain->data, plain->len);
    ngx_md5_final(digest, &md5);

    tag->data = ngx_pnalloc(cf->pool, NGX_HTTP_TLSRPT_STATS_TAG);
    if (tag->data == NULL) {
        return NGX_ERROR;
    }

    tag->len = NGX_HTTP_TLSRPT_STATS_TAG;
    (void) ngx_hex_dump(tag->data, digest, NGX_HTTP_TLSRPT_STATS_TAG / 2);

    return NGX_OK;
}
