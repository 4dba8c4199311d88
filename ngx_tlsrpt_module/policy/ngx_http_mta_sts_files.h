/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The files of policies, as far as they are files.
 */

#ifndef NGX_HTTP_MTA_STS_FILES_H
#define NGX_HTTP_MTA_STS_FILES_H

#include "ngx_http_mta_sts_table.h"

#pragma GCC visibility push(hidden)

/* Is the directory there, in which the pattern begins to be one?  NGX_OK;
   NGX_ERROR, which is logged. */
ngx_int_t ngx_http_mta_sts_files_dir(ngx_conf_t *cf, ngx_str_t *pattern);

/* Reads into mmcf->buffer; one byte more than is allowed tells what is too
   large.  NGX_ERROR is logged. */
ssize_t ngx_http_mta_sts_files_read(ngx_conf_t *cf,
    ngx_http_mta_sts_main_conf_t *mmcf, ngx_fd_t fd, ngx_str_t *name);

#pragma GCC visibility pop

#endif /* NGX_HTTP_MTA_STS_FILES_H */
