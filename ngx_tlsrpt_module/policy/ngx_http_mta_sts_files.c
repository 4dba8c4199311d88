/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_mta_sts_files.h"


ngx_int_t
ngx_http_mta_sts_files_dir(ngx_conf_t *cf, ngx_str_t *pattern)
{
    ngx_dir_t  dir;
    ngx_str_t  name;

    name.len = strcspn((char *) pattern->data, "*?[");

    while (name.len > 1 && pattern->data[name.len - 1] != '/') {
        name.len--;
    }

    name.len -= (name.len > 1);

    name.data = ngx_pnalloc(cf->temp_pool, name.len + 1);
    if (name.data == NULL) {
        return NGX_ERROR;
    }

    ngx_cpystrn(name.data, pattern->data, name.len + 1);

    if (ngx_open_dir(&name, &dir) == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_dir_n " \"%V\" failed", &name);
        return NGX_ERROR;
    }

    (void) ngx_close_dir(&dir);

    return NGX_OK;
}


ssize_t
ngx_http_mta_sts_files_read(ngx_conf_t *cf, ngx_http_mta_sts_main_conf_t *mmcf,
    ngx_fd_t fd, ngx_str_t *name)
{
    size_t   size;
    ssize_t  n;

    if (mmcf->buffer == NULL) {
        mmcf->buffer = ngx_palloc(cf->temp_pool, MTA_STS_MAX_SIZE + 1);
        if (mmcf->buffer == NULL) {
            return NGX_ERROR;
        }
    }

    for (size = 0; size <= MTA_STS_MAX_SIZE; size += n) {

        n = ngx_read_fd(fd, mmcf->buffer + size, MTA_STS_MAX_SIZE + 1 - size);

        if (n == -1) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                               ngx_read_fd_n " \"%V\" failed", name);
            return NGX_ERROR;
        }

        if (n == 0) {
            break;
        }
    }

    return size;
}
