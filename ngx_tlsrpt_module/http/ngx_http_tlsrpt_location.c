/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_location.h"


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
