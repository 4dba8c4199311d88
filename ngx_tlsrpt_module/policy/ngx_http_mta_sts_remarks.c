/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_mta_sts_remarks.h"


#define NGX_HTTP_MTA_STS_NAMED  3


typedef struct {
    ngx_str_t    kind;
    ngx_str_t    message;                   /* on the first */
    const char  *section;
    u_char      *file;
    ngx_uint_t   line;
    ngx_uint_t   npolicies;
    ngx_str_t    named[NGX_HTTP_MTA_STS_NAMED];
    ngx_str_t    last;                      /* policy it is on */
} ngx_http_mta_sts_remark_t;


static ngx_int_t ngx_http_mta_sts_remark_kind(ngx_pool_t *pool,
    const char *message, ngx_str_t *kind);
static ngx_http_mta_sts_remark_t *ngx_http_mta_sts_remark_find(
    ngx_http_mta_sts_remarks_t *remarks, ngx_str_t *kind);
static ngx_http_mta_sts_remark_t *ngx_http_mta_sts_remark_create(
    ngx_http_mta_sts_remarks_t *remarks, ngx_conf_t *cf, ngx_str_t *kind,
    const char *message, const char *section);
static u_char *ngx_http_mta_sts_remark_policies(u_char *p, u_char *last,
    ngx_http_mta_sts_remark_t *remark);


ngx_int_t
ngx_http_mta_sts_remarks_init(ngx_http_mta_sts_remarks_t *remarks,
    ngx_pool_t *pool)
{
    remarks->pool = pool;

    return ngx_array_init(&remarks->kinds, pool, 4,
                          sizeof(ngx_http_mta_sts_remark_t));
}


ngx_int_t
ngx_http_mta_sts_remark(ngx_http_mta_sts_remarks_t *remarks, ngx_conf_t *cf,
    ngx_str_t *domain, const char *message, const char *section)
{
    ngx_str_t                   kind, name;
    ngx_http_mta_sts_remark_t  *remark;

    if (ngx_http_mta_sts_remark_kind(remarks->pool, message, &kind)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    remark = ngx_http_mta_sts_remark_find(remarks, &kind);

    if (remark == NULL) {
        remark = ngx_http_mta_sts_remark_create(remarks, cf, &kind, message,
                                                section);
        if (remark == NULL) {
            return NGX_ERROR;
        }
    }

    if (remark->npolicies && remark->last.len == domain->len
        && ngx_memcmp(remark->last.data, domain->data, domain->len) == 0)
    {
        return NGX_OK;
    }

    name.len = domain->len;
    name.data = ngx_pstrdup(remarks->pool, domain);
    if (name.data == NULL) {
        return NGX_ERROR;
    }

    if (remark->npolicies < NGX_HTTP_MTA_STS_NAMED) {
        remark->named[remark->npolicies] = name;
    }

    remark->last = name;
    remark->npolicies++;

    return NGX_OK;
}


/* The message without numbers and what is in quotes. */

static ngx_int_t
ngx_http_mta_sts_remark_kind(ngx_pool_t *pool, const char *message,
    ngx_str_t *kind)
{
    u_char       *p;
    ngx_uint_t    quoted;

    p = ngx_pnalloc(pool, ngx_strlen(message));
    if (p == NULL) {
        return NGX_ERROR;
    }

    kind->data = p;
    quoted = 0;

    for ( /* void */ ; *message; message++) {

        if (*message == '"') {
            quoted = !quoted;

        } else if (!quoted && (*message < '0' || *message > '9')) {
            *p++ = (u_char) *message;
        }
    }

    kind->len = p - kind->data;

    return NGX_OK;
}


static ngx_http_mta_sts_remark_t *
ngx_http_mta_sts_remark_find(ngx_http_mta_sts_remarks_t *remarks,
    ngx_str_t *kind)
{
    ngx_uint_t                  i;
    ngx_http_mta_sts_remark_t  *remark;

    remark = remarks->kinds.elts;

    for (i = 0; i < remarks->kinds.nelts; i++) {
        if (remark[i].kind.len == kind->len
            && ngx_memcmp(remark[i].kind.data, kind->data, kind->len) == 0)
        {
            return &remark[i];
        }
    }

    return NULL;
}


static ngx_http_mta_sts_remark_t *
ngx_http_mta_sts_remark_create(ngx_http_mta_sts_remarks_t *remarks,
    ngx_conf_t *cf, ngx_str_t *kind, const char *message, const char *section)
{
    ngx_str_t                   text;
    ngx_http_mta_sts_remark_t  *remark;

    text.data = (u_char *) message;
    text.len = ngx_strlen(message);

    remark = ngx_array_push(&remarks->kinds);
    if (remark == NULL) {
        return NULL;
    }

    ngx_memzero(remark, sizeof(ngx_http_mta_sts_remark_t));

    remark->kind = *kind;
    remark->section = section;
    remark->file = cf->conf_file->file.name.data;
    remark->line = cf->conf_file->line;

    remark->message.len = text.len;
    remark->message.data = ngx_pstrdup(remarks->pool, &text);

    return remark->message.data ? remark : NULL;
}


void
ngx_http_mta_sts_remarks_log(ngx_http_mta_sts_remarks_t *remarks,
    ngx_conf_t *cf)
{
    u_char                     *p, text[NGX_MAX_CONF_ERRSTR];
    ngx_uint_t                  i;
    ngx_conf_file_t             file, *conf_file;
    ngx_http_mta_sts_remark_t  *remark;

    ngx_memzero(&file, sizeof(ngx_conf_file_t));

    conf_file = cf->conf_file;
    cf->conf_file = &file;

    remark = remarks->kinds.elts;

    for (i = 0; i < remarks->kinds.nelts; i++) {
        file.file.name.data = remark[i].file;
        file.line = remark[i].line;

        p = ngx_http_mta_sts_remark_policies(text, text + sizeof(text),
                                             &remark[i]);

        ngx_conf_log_error(NGX_LOG_WARN, cf, 0, "%*s: %V (%s)",
                           (size_t) (p - text), text, &remark[i].message,
                           remark[i].section);
    }

    cf->conf_file = conf_file;
}


static u_char *
ngx_http_mta_sts_remark_policies(u_char *p, u_char *last,
    ngx_http_mta_sts_remark_t *remark)
{
    ngx_uint_t  i;

    if (remark->npolicies == 1) {
        return ngx_slprintf(p, last, "MTA-STS policy of \"%V\"",
                            &remark->named[0]);
    }

    p = ngx_slprintf(p, last, "%ui MTA-STS policies (", remark->npolicies);

    for (i = 0; i < remark->npolicies && i < NGX_HTTP_MTA_STS_NAMED; i++) {
        p = ngx_slprintf(p, last, "%s\"%V\"", i ? ", " : "",
                         &remark->named[i]);
    }

    return ngx_slprintf(p, last, "%s)", i < remark->npolicies ? ", ..." : "");
}
