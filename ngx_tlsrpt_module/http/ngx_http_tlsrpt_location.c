/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_location.h"
#include "ngx_http_tlsrpt_module.h"


/* What nginx itself may refuse while the body comes, or before it: 429 and 503
   by limit_req and limit_conn. */

static ngx_int_t  ngx_http_tlsrpt_location_refusals[] = {
    NGX_HTTP_BAD_REQUEST,
    NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
    NGX_HTTP_TOO_MANY_REQUESTS,
    NGX_HTTP_INTERNAL_SERVER_ERROR,
    NGX_HTTP_SERVICE_UNAVAILABLE,
    0
};


char *
ngx_http_tlsrpt_location_handler(ngx_conf_t *cf, ngx_command_t *cmd,
    ngx_http_handler_pt handler)
{
    ngx_http_core_loc_conf_t     *clcf;
    ngx_http_tlsrpt_main_conf_t  *tmcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    tmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_tlsrpt_module);

    /* the token or the resource is what follows the location's name */

    if (clcf->named
#if (NGX_PCRE)
        || clcf->regex
#endif
       )
    {
        return "needs a location given by its path, "
               "not a regular expression or a name";
    }

    if (clcf->handler) {
        return "is not the only one that answers in this location";
    }

    clcf->handler = handler;

    if (tmcf->user.len == 0) {
        tmcf->user = cmd->name;
        tmcf->user_file = cf->conf_file->file.name;
        tmcf->user_line = cf->conf_file->line;
    }

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_tlsrpt_location_errors(ngx_conf_t *cf)
{
    ngx_int_t                 *status;
    ngx_uint_t                 n;
    ngx_array_t               *pages;
    ngx_http_err_page_t       *page;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    n = clcf->error_pages ? clcf->error_pages->nelts : 0;

    pages = ngx_array_create(cf->pool, n + 4, sizeof(ngx_http_err_page_t));
    if (pages == NULL) {
        return NGX_ERROR;
    }

    /* a copy: the array may be that of the server */

    if (n) {
        page = ngx_array_push_n(pages, n);
        if (page == NULL) {
            return NGX_ERROR;
        }

        ngx_memcpy(page, clcf->error_pages->elts,
                   n * sizeof(ngx_http_err_page_t));
    }

    for (status = ngx_http_tlsrpt_location_refusals; *status; status++) {
        page = ngx_array_push(pages);
        if (page == NULL) {
            return NGX_ERROR;
        }

        ngx_memzero(page, sizeof(ngx_http_err_page_t));

        page->status = *status;
        page->overwrite = -1;
        page->value.value = clcf->name;
    }

    clcf->error_pages = pages;

    return NGX_OK;
}


ngx_int_t
ngx_http_tlsrpt_location_path(ngx_http_request_t *r, ngx_str_t *path)
{
    ngx_str_t                 *location;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
    location = &clcf->name;

    if (r->uri.len < location->len
        || ngx_strncmp(r->uri.data, location->data, location->len) != 0)
    {
        /* by "rewrite ... break" alone */

        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "tlsrpt: the URI \"%V\" was rewritten to what is not "
                      "below the location \"%V\"", &r->uri, location);
        return NGX_DECLINED;
    }

    path->data = r->uri.data + location->len;
    path->len = r->uri.len - location->len;

    if (path->len == 0
        || (location->len && location->data[location->len - 1] == '/'))
    {
        return NGX_OK;
    }

    if (path->data[0] != '/') {
        return NGX_DECLINED;
    }

    path->data++;
    path->len--;

    return NGX_OK;
}
