/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tells Redis what is served for the domains of this node (tlsrpt_serving.h):
 * at a start and a reload, when the registry changes, and once a day.
 */

#ifndef NGX_HTTP_TLSRPT_SERVED_UPKEEP_H
#define NGX_HTTP_TLSRPT_SERVED_UPKEEP_H

#include "ngx_http_tlsrpt_module.h"

#pragma GCC visibility push(hidden)

/* With the start of a worker, to its exit. */
void ngx_http_tlsrpt_served_begin(ngx_http_tlsrpt_main_conf_t *tmcf);
void ngx_http_tlsrpt_served_end(void);

/* For the registry: the domain was seen, and may have changed.  Is it
   configured, too? */
ngx_uint_t ngx_http_tlsrpt_served_seen(const ngx_str_t *domain);

/* The name of this node: the host, and which nginx of it. */
#define NGX_HTTP_TLSRPT_NODE_LEN  64

ngx_str_t ngx_http_tlsrpt_node(u_char name[NGX_HTTP_TLSRPT_NODE_LEN]);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_SERVED_UPKEEP_H */
